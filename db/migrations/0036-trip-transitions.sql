-- What happened to a trip, in order: one row a transition, whoever tells of it how often. Written by src/matching.
CREATE TABLE trip_transitions (
  trip_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version INT UNSIGNED NOT NULL,
  from_state VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'NULL: the first that was heard of it',
  to_state VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  observed TINYINT NOT NULL COMMENT '1: the trip stood there already, by Laravel''s hand',
  actor_type VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  reason VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  fare_minor BIGINT NULL COMMENT 'the final fare, of what is completed',
  currency CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NULL,
  at DATETIME(3) NOT NULL,
  PRIMARY KEY (trip_id, version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
