-- What sending a message needs to know. The counter gives the order of one key: it is drawn while the payment is locked,
-- so it ascends with the commits, whatever the clocks of the hosts say. Its index is no unique one, since MariaDB drops
-- rows of a multi-row upsert where a counter stands beside a second unique key.
ALTER TABLE outbox
  ADD COLUMN seq BIGINT UNSIGNED NOT NULL AUTO_INCREMENT COMMENT 'the order within a key',
  ADD COLUMN trace_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN fence INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'number of claims; only the last one may write the result',
  ADD COLUMN claimable_at DATETIME(3) NULL COMMENT 'end of the back-off or, in flight, of the lease; NULL: at once',
  ADD COLUMN first_attempt_at DATETIME(3) NULL,
  ADD COLUMN response_status SMALLINT UNSIGNED NULL,
  ADD COLUMN reason VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN last_error VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  ADD COLUMN finished_at DATETIME(3) NULL,
  ADD KEY drawn (seq),
  ADD KEY turn (topic, ordering_key, state, seq),
  ADD KEY due_of_topic (topic, state, next_at)
