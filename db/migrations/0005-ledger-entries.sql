-- Double entry: positive is debit, negative is credit, and the entries of one transition sum to zero. Written by src/payments.
CREATE TABLE ledger_entries (
  transition_id BINARY(16) NOT NULL,
  leg TINYINT UNSIGNED NOT NULL,
  payment_id BINARY(16) NOT NULL,
  ledger_account VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  gateway VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount_minor BIGINT NOT NULL,
  currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  at DATETIME(3) NOT NULL,
  PRIMARY KEY (transition_id, leg),
  KEY payment (payment_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
