-- PARK: claims an order without arming it. ARGV: token src fp oid merchant profile
local order, stop = load()
if stop then
    return stop
end
local src, fp = ARGV[2], ARGV[3]
local now = now_ms()

if is_claimable(order, src, fp) then
    if order.st == 'ABSENT' then
        order.st, order.src, order.fp, order.oid, order.merchant, order.profile =
            'READY', src, fp, ARGV[4], ARGV[5], ARGV[6]
        redis.call('HSET', KEYS[4], 'v', '1', 'st', 'READY', 'fp', fp, 'src', src, 'oid', ARGV[4],
            'merchant', ARGV[5], 'profile', ARGV[6], 'att', 0, 'seq', 0, 'pub', 0)
    end
    redis.call('SET', KEYS[3], now)
    return answer('PARKED', order, now)
end
if order.st == 'SENDING' then
    return answer('SENT_BY_OTHER', order, now)
end
return known(order, src, fp, now)
