-- POSTs the lines of a file, one after the other, again and again.
-- usage: wrk -s post.lua URL -- FILE
local requests, index = {}, 0

function init(arguments)
    local headers = { ["Content-Type"] = "application/json" }
    for line in io.lines(arguments[1]) do
        requests[#requests + 1] = wrk.format("POST", nil, headers, line)
    end
end

function request()
    index = index % #requests + 1
    return requests[index]
end
