-- Where drivers were last, and in which zone and category they work: that is what a driver who comes back needs, and what is
-- searched while Redis is away. A point is longitude and latitude in degrees. Written by src/matching.
CREATE TABLE driver_positions (
  driver_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  zone_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  category VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  position POINT NOT NULL /*!80003 SRID 0 */,
  waits TINYINT UNSIGNED NOT NULL COMMENT '1: he waits for a ride; 0: he is on one, or works no more',
  at DATETIME(3) NOT NULL COMMENT 'when he was heard of last',
  PRIMARY KEY (driver_id),
  SPATIAL KEY positions_by_place (position)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
