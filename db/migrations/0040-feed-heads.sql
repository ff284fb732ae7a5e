-- One row a user who was ever told anything durable: the row is the lock under which his messages are numbered. Written by src/feed.
CREATE TABLE feed_heads (
  user_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'Laravel''s, 1 to 36 visible characters',
  head BIGINT UNSIGNED NOT NULL COMMENT 'the number of his last message',
  pruned_to BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'every message up to this one may be gone',
  PRIMARY KEY (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
