-- The windows of the policy `batch`: whoever moves a row's time decides for all trips that wait in that zone and category. Written by
-- src/matching.
CREATE TABLE dispatch_windows (
  zone_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'empty: none was said',
  category VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number BIGINT UNSIGNED NOT NULL COMMENT 'one more with each window',
  next_at DATETIME(3) NOT NULL,
  PRIMARY KEY (zone_id, category),
  KEY windows_by_time (next_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
