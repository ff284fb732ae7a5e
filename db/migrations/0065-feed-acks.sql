-- How far a user's clients have said that his feed reached the screen. Apart from the heads: whoever numbers messages holds those locked.
-- Written by src/feed.
CREATE TABLE feed_acks (
  user_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  acked BIGINT UNSIGNED NOT NULL COMMENT 'the highest number that any of them has acknowledged',
  acked_at DATETIME(3) NOT NULL,
  PRIMARY KEY (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
