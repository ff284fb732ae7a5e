-- What users are told and may ask for again, numbered 1, 2, 3 … for each, and committed with the change that it tells of.
-- Written by src/feed.
CREATE TABLE feed_messages (
  user_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  seq BIGINT UNSIGNED NOT NULL,
  event VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  data MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'JSON',
  created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (user_id, seq),
  KEY age (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
