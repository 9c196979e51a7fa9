-- Neovim 0.7 to 0.10: put this into init.lua, or into a file that it requires.
local settings = { nnx = {} } -- for example { nnx = { targetFlax = "0.12", extendSelect = { "NNX112" } } }
local clients = {}

local function root_of(path)
  local folder = vim.fn.fnamemodify(path, ":p:h")
  for _, marker in ipairs({ "pyproject.toml", "setup.cfg", "setup.py" }) do
    local found = vim.fn.findfile(marker, folder .. ";")
    if found ~= "" then
      return vim.fn.fnamemodify(found, ":p:h")
    end
  end
  return folder
end

vim.api.nvim_create_autocmd("FileType", {
  pattern = "python",
  callback = function(event)
    local root = root_of(vim.api.nvim_buf_get_name(event.buf))
    if not clients[root] or vim.lsp.client_is_stopped(clients[root]) then
      clients[root] = vim.lsp.start_client({
        name = "nnx_fix",
        cmd = { "nnx-fix", "server" },
        root_dir = root,
        init_options = settings,
        settings = settings,
      })
    end
    if clients[root] then
      vim.lsp.buf_attach_client(event.buf, clients[root])
    end
  end,
})
