-- Riders who asked for rides over connections of their own: whoever asks for one holds his row, so that two requests of one rider come one
-- after the other. Written by src/matching.
CREATE TABLE trip_riders (
  customer_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  asked_at DATETIME(3) NOT NULL COMMENT 'when he last did',
  PRIMARY KEY (customer_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
