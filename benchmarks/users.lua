-- For wrk: many users taking turns. Arguments: a file of "token path" lines, a method, "unique" for new request_ids,
-- and how many milliseconds each connection pauses before a request.
local lines, method, unique, at, count, pause = {}, "GET", false, 0, 0, 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    local token, path = line:match("(%S+) (%S+)")
    lines[#lines + 1] = { token = token, path = path }
  end
  method = arguments[2] or "GET"
  unique = arguments[3] == "unique"
  pause = tonumber(arguments[4] or 0)
  math.randomseed(os.time() * 1000 + os.clock() * 1000000)
  prefix = tostring(math.random(1, 2 ^ 31)) .. "-"
  at = math.random(1, #lines)
end

function delay()
  return pause
end

function request()
  at = at % #lines + 1
  count = count + 1
  local body
  if method == "POST" then
    local id = unique and (prefix .. count) or "repeat"
    body = '{"request_id": "' .. id .. '", "body": {"utc_offset": 1}}'
  end
  local headers = { ["Authorization"] = "Bearer " .. lines[at].token, ["Content-Type"] = "application/json" }
  return wrk.format(method, lines[at].path, headers, body)
end

function done(summary, latency)
  local errors = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format('{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, errors))
end
