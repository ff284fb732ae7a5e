-- Which event waits for which reference (a payment not registered yet) or payment (a capture not seen yet). Written by src/webhooks.
CREATE TABLE webhook_parked (
  ref_key BINARY(32) NOT NULL,
  event_id BINARY(16) NOT NULL,
  payment_id BINARY(16) NULL COMMENT 'set: waits for the capture of this payment',
  parked_at DATETIME(3) NOT NULL,
  PRIMARY KEY (ref_key, event_id),
  KEY event (event_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
