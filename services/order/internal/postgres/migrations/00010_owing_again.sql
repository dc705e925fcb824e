-- +goose Up
-- 00009 took all of an edit's last refund for owed: also the part of it that one payment had given back, what was cancelled since, and what the bank
-- had not paid. What is owed is no more than what was refused to edits or is on its way, and no less than what they took off and has not gone back.
-- Where what was owed before that is in it too, it cannot be told and stays. Others decide upon the next version: the log says why.
LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE;
WITH owed AS (
    SELECT id, owing AS was, least(owing, captured - returned, CASE WHEN unpaid THEN least(asked, greatest(0, captured - returned - total)) ELSE greatest(asked, reduced - returned) END) AS owes
    FROM orders, LATERAL (
        SELECT CASE WHEN refunds->-1 ? 'edit' THEN refunding ELSE 0 END + coalesce(sum((r#>>'{amount,amount}')::bigint), 0) AS asked
        FROM jsonb_array_elements(refunds) r WHERE r ? 'edit' AND r->>'status' IN ('refused', 'superseded')
    ) f
    WHERE owing > 0 AND edit <> 'made'
), corrected AS (
    UPDATE orders o SET owing = owes, version = version + 1, updated_at = now()
    FROM owed WHERE owed.id = o.id AND owes < was
    RETURNING o.id, o.version, o.state, o.attempt, o.currency, was, owes
)
INSERT INTO order_events (order_id, version, at, transition, event, from_state, to_state, attempt, actor, metadata)
SELECT id, version, now(), 'owed corrected', 'migrated', state, state, attempt, 'migration 00010', jsonb_build_object('before', was, 'after', owes, 'currency', currency) FROM corrected;

-- +goose Down
-- What was wrong stays right.
SELECT 1;
