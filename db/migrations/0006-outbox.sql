-- Messages to others, committed with the change that they tell of. Written by src/outbox.
CREATE TABLE outbox (
  id BINARY(16) NOT NULL COMMENT 'the receiver''s idempotency key',
  topic VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ordering_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'messages of one key are sent one by one',
  event VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  payload MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  state VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  attempts SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  next_at DATETIME(3) NULL,
  created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  KEY due (state, next_at),
  KEY ordering (ordering_key, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
