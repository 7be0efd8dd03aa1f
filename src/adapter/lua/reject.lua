-- REJECT: an order that is never sent (any more). ARGV: token src fp body late_body due_ms oid merchant profile
local order, stop = load()
if stop then
    return stop
end
local src, fp = ARGV[2], ARGV[3]
local rid = 'REJECT ' .. src
local now = now_ms()

if is_claimable(order, src, fp) then
    stop = enter_due(now + ARGV[6])
    if stop then
        return stop
    end
    local word
    order.seq = order.seq + 1
    order.rsrc = src
    if order.st == 'ABSENT' then
        redis.call('HSET', KEYS[4], 'v', '1', 'st', 'REJECTED', 'fp', fp, 'src', src, 'oid', ARGV[7],
            'merchant', ARGV[8], 'profile', ARGV[9], 'att', 0, 'seq', order.seq, 'pub', 0, 'res', ARGV[4],
            'rsrc', src, 't_settle', now, 'rid', rid)
        word = 'WRITTEN'
        order.st, order.src, order.oid, order.merchant, order.profile = 'REJECTED', src, ARGV[7], ARGV[8], ARGV[9]
    else
        -- It was claimed or refused before without any money moving: a failure that may be tried again as a new order.
        redis.call('HSET', KEYS[4], 'st', 'FAILED', 'seq', order.seq, 'res', ARGV[5], 'rsrc', src,
            't_settle', now, 'rid', rid)
        word = 'SETTLED'
        order.st, order.res = 'FAILED', ARGV[5]
    end
    redis.call('SET', KEYS[3], now)
    return answer(word, order, now)
end
if order.st == 'SENDING' then
    return answer('SENT_BY_OTHER', order, now)
end
-- The same REJECT again: its answer was lost, or its transaction did not commit.
if order.rid == rid and order.fp == fp and not order.doubted then
    return answer('SETTLED', order, now)
end
return known(order, src, fp, now)
