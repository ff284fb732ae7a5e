-- The processes that hold sockets, each until its lease is over on the database's clock. Written by src/realtime.
CREATE TABLE node_leases (
  node_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'one life of one process',
  lease_until DATETIME(3) NOT NULL,
  steady_since DATETIME(3) NOT NULL COMMENT 'renewed without a long gap since then',
  PRIMARY KEY (node_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
