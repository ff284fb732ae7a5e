-- Why this driver: each decision with all that it was made of. Written by src/matching, pruned after some weeks.
CREATE TABLE dispatch_decisions (
  id BINARY(16) NOT NULL COMMENT 'UUIDv7: in the order of time',
  trip_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  round INT UNSIGNED NOT NULL,
  policy VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  window_number BIGINT UNSIGNED NULL COMMENT 'of batch',
  outcome VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'offered, nobody, no_drivers, timed_out',
  document MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'JSON: inputs and scores',
  at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  KEY decisions_by_trip (trip_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
