-- One row a key that a caller used: who claimed it, for what content, and what it was answered. Written by src/idempotency.
CREATE TABLE idempotency_keys (
  id BINARY(16) NOT NULL COMMENT 'UUIDv7, minted once an execution: the claim token',
  record_key BINARY(32) NOT NULL COMMENT 'SHA-256 of kind, tenant, actor, operation, key',
  fingerprint BINARY(32) NOT NULL COMMENT 'SHA-256 of the content',
  state VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'running, done, pruned',
  status SMALLINT UNSIGNED NULL,
  headers TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL COMMENT 'JSON, names in lower case',
  body MEDIUMBLOB NULL COMMENT 'the bytes as they were answered',
  created_at DATETIME(3) NOT NULL,
  due_at DATETIME(3) NULL COMMENT 'done: when the answer goes; pruned: when the row goes; running: NULL',
  PRIMARY KEY (id),
  UNIQUE KEY one_record_per_key (record_key),
  KEY due (state, due_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
