-- What drivers offer to take a trip for, where the rider chooses. A live bid reserves its driver: he has one at most, whatever else was
-- read before. Written by src/matching.
CREATE TABLE trip_bids (
  id BINARY(16) NOT NULL COMMENT 'another amount is another bid',
  trip_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  customer_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  driver_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  offer_id BINARY(16) NOT NULL COMMENT 'by which the driver was asked',
  amount_minor BIGINT NOT NULL,
  currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  distance_meters INT UNSIGNED NULL COMMENT 'to the pickup, as the offer has it',
  eta_seconds INT UNSIGNED NULL COMMENT 'to the pickup',
  state VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  live_driver VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin
    AS (CASE WHEN state = 'live' THEN driver_id END) VIRTUAL,
  expires_at DATETIME(3) NOT NULL COMMENT 'with the offer',
  created_at DATETIME(3) NOT NULL,
  decided_at DATETIME(3) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY one_live_bid_per_driver (live_driver),
  KEY bids_by_trip (trip_id, state),
  KEY bids_by_customer (customer_id, state),
  KEY bids_by_offer (offer_id, state)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
