-- The answers that stand in the keys' rows. It may be run again after a crash.
INSERT INTO idempotency_answers (id, status, headers, body)
SELECT k.id, k.status, k.headers, k.body
FROM idempotency_keys AS k LEFT JOIN idempotency_answers AS a ON a.id = k.id
WHERE k.state = 'done' AND a.id IS NULL
