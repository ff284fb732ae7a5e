-- A trip for which a driver is looked for: the row goes when he is found, or when the trip ends. Written by src/matching.
CREATE TABLE trip_dispatches (
  trip_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  zone_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'empty: none was said',
  category VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  policy VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  round INT UNSIGNED NOT NULL COMMENT 'one more with each decision: whoever decided by an older one does nothing',
  asked INT UNSIGNED NOT NULL COMMENT 'offers that were made',
  since DATETIME(3) NOT NULL,
  deadline_at DATETIME(3) NOT NULL COMMENT 'nobody took it until then: it ends',
  next_at DATETIME(3) NOT NULL COMMENT 'when somebody has to look at it again',
  PRIMARY KEY (trip_id),
  KEY dispatches_by_time (next_at),
  KEY dispatches_by_group (zone_id, category, policy, next_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
