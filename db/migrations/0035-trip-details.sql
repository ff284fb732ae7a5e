-- What dispatch needs of a trip and Laravel's table does not hold. Written by src/matching.
CREATE TABLE trip_details (
  trip_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'trip_requests.id',
  customer_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  zone_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  category VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  pickup_latitude DECIMAL(9,7) NOT NULL,
  pickup_longitude DECIMAL(10,7) NOT NULL,
  pickup_address VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  destination_latitude DECIMAL(9,7) NOT NULL,
  destination_longitude DECIMAL(10,7) NOT NULL,
  destination_address VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  estimated_fare_minor BIGINT NOT NULL,
  currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  payment_method VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  policy VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'NULL: the zone''s own',
  adopted TINYINT NOT NULL COMMENT '1: Laravel had stored the trip, and keeps its fares',
  created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (trip_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
