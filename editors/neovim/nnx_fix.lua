-- Neovim 0.11 and later: put this file into ~/.config/nvim/lsp/nnx_fix.lua, and vim.lsp.enable("nnx_fix") into init.lua.
return {
  cmd = { "nnx-fix", "server" },
  filetypes = { "python" },
  root_markers = { "pyproject.toml", "setup.cfg", "setup.py", ".git" },
  settings = {
    nnx = {
      -- targetFlax = "0.12",
      -- extendSelect = { "NNX112" },
      -- unsafeFixes = true,
    },
  },
}
