-- Run by test_neovim.py in a real Neovim: waits for the finding, chooses the code action that starts with $NNX_ACTION
-- as a user would from the menu, saves. Prints what it saw, one JSON object a line.
local function say(object)
  io.stdout:write(vim.fn.json_encode(object) .. "\n")
end

local function run()
  local buffer = vim.api.nvim_get_current_buf()
  local function wait_for(what, holds)
    assert(vim.wait(20000, holds, 20), "never: " .. what)
  end

  wait_for("a finding", function()
    return #vim.diagnostic.get(buffer) > 0
  end)
  local finding = vim.diagnostic.get(buffer)[1]
  say({ code = finding.code, source = finding.source, row = finding.lnum, column = finding.col, finish = finding.end_col })
  vim.api.nvim_win_set_cursor(0, { finding.lnum + 1, finding.col })

  vim.ui.select = function(items, options, choose)
    local titles = {}
    for _, item in ipairs(items) do
      table.insert(titles, options.format_item and options.format_item(item) or tostring(item))
    end
    say({ offered = titles })
    for index, title in ipairs(titles) do
      if title:find(vim.env.NNX_ACTION, 1, true) then
        return choose(items[index], index)
      end
    end
    error("no such action: " .. vim.env.NNX_ACTION)
  end
  local before = vim.api.nvim_buf_get_changedtick(buffer)
  vim.lsp.buf.code_action()
  wait_for("the edit", function()
    return vim.api.nvim_buf_get_changedtick(buffer) > before
  end)
  wait_for("the end of the finding", function()
    for _, other in ipairs(vim.diagnostic.get(buffer)) do
      if other.code == finding.code then
        return false
      end
    end
    return true
  end)
  vim.cmd("write")
end

local fine, problem = pcall(run)
if not fine then
  say({ problem = tostring(problem) })
end
vim.cmd(fine and "qall!" or "cquit!")
