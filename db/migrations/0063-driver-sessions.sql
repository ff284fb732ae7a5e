-- Where each driver is connected, and which of his sockets is the newest: that with the highest fence. Written by src/realtime.
CREATE TABLE driver_sessions (
  user_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fence BIGINT UNSIGNED NOT NULL COMMENT 'one more for each socket',
  node_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'where the newest socket is, or was',
  state VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'connected, disconnected, offline',
  grace_until DATETIME(3) NULL COMMENT 'of who is disconnected: offline after that',
  changed_at DATETIME(3) NOT NULL,
  PRIMARY KEY (user_id),
  KEY sessions_by_node (node_id, state, fence),
  KEY sessions_by_grace (state, grace_until)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
