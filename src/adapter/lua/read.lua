-- READ: looks, changes nothing. ARGV: token
local order, stop = load()
if stop then
    return stop
end
return answer(order.st == 'ABSENT' and 'ABSENT' or 'FOUND', order, now_ms())
