-- POSTs the lines of a file, one after the other, again and again, reading them as it goes: a
-- million tokens do not fit into the memory of wrk's Lua.
-- usage: wrk -s stream.lua URL -- FILE
local file, lines
local headers = { ["Content-Type"] = "application/json" }

function init(arguments)
    file = arguments[1]
    lines = io.lines(file)
end

function request()
    local line = lines()
    if line == nil then
        lines = io.lines(file)
        line = lines()
    end
    return wrk.format("POST", nil, headers, line)
end
