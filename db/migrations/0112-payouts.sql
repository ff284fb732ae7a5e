-- Payouts as their gateways tell of them: from a gateway to our bank, or by our order to a driver. Written by src/webhooks.
CREATE TABLE payouts (
  payout_key BINARY(32) NOT NULL COMMENT 'SHA-256 of gateway, account, payout ref',
  gateway VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  payout_ref VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'the gateway''s id',
  merchant_ref VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL COMMENT 'ours, where we ordered it',
  state VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount_minor BIGINT NULL,
  currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NULL,
  event_id BINARY(16) NOT NULL COMMENT 'the event that led to the state',
  created_at DATETIME(3) NOT NULL COMMENT 'when it was first told of',
  updated_at DATETIME(3) NOT NULL COMMENT 'when it came to its state',
  PRIMARY KEY (payout_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
