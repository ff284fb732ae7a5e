-- Operations with calls to others that are not finished: who holds each, and how far it came. Written by src/idempotency.
CREATE TABLE idempotency_operations (
  id BINARY(16) NOT NULL COMMENT 'idempotency_keys.id',
  operation VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'its name in the registry',
  phase VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'what is to be done next',
  fence INT UNSIGNED NOT NULL COMMENT 'one more with every owner',
  lease_until DATETIME(3) NOT NULL COMMENT 'from then on anybody may take it over',
  attempts SMALLINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'failures since the last phase',
  last_error VARCHAR(500) NULL,
  input MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'JSON: what it was asked',
  memo MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'JSON: what its phases learnt',
  PRIMARY KEY (id),
  KEY lease (lease_until)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
