-- Behind a table `prepared` of {method, path, body}: all are formatted before the first is sent.

local formatted = {}
local last = 0

function init()
   for index, each in ipairs(prepared) do
      local headers = { Host = wrk.headers["Host"] }
      local body = nil
      if each[3] ~= "" then
         headers["Content-Type"] = "application/json"
         body = each[3]
      end
      formatted[index] = wrk.format(each[1], each[2], headers, body)
   end
end

function request()
   last = last % #formatted + 1
   return formatted[last]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      'bench: {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "errors": %d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
