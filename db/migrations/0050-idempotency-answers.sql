-- What a finished key answers, until the answer goes: an INSERT of its own costs half of an UPDATE of the key's row, and the keys,
-- which are kept a hundred times longer, stay narrow. Written by src/idempotency.
CREATE TABLE idempotency_answers (
  id BINARY(16) NOT NULL COMMENT 'idempotency_keys.id',
  status SMALLINT UNSIGNED NOT NULL,
  headers TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'JSON, names in lower case',
  body MEDIUMBLOB NOT NULL COMMENT 'the bytes as they were answered',
  PRIMARY KEY (id),
  CONSTRAINT answer_of_a_key FOREIGN KEY (id) REFERENCES idempotency_keys (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
