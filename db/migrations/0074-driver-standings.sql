-- What counts of a driver beside his position. Written by src/matching.
CREATE TABLE driver_standings (
  driver_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  acceptance DOUBLE NOT NULL DEFAULT 0.8 COMMENT 'which part of his offers he accepts lately, from 0 to 1; of who is new a guess',
  idle_since DATETIME(3) NULL COMMENT 'since his last ride, or since he came online',
  PRIMARY KEY (driver_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
