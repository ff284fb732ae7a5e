-- What happened to a payment, in order. An event moves a payment at most once: the database says so. Written by src/payments.
CREATE TABLE payment_transitions (
  id BINARY(16) NOT NULL,
  payment_id BINARY(16) NOT NULL,
  version INT UNSIGNED NOT NULL,
  event_id BINARY(16) NULL COMMENT 'webhook_events.id; NULL: not moved by an event',
  kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  from_state VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NULL,
  to_state VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  operation_ref VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  amount_minor BIGINT NULL,
  currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NULL,
  at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY one_transition_per_version (payment_id, version),
  UNIQUE KEY one_transition_per_event (event_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
