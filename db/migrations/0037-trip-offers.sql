-- A trip offered to a driver, until a deadline on the database's clock. Written by src/matching.
CREATE TABLE trip_offers (
  id BINARY(16) NOT NULL,
  trip_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  driver_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  created_at DATETIME(3) NOT NULL,
  decided_at DATETIME(3) NULL,
  PRIMARY KEY (id),
  KEY offers_by_trip (trip_id, state),
  KEY offers_by_driver (driver_id, state)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
