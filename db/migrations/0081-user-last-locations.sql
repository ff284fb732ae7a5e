-- Laravel's record of where its users were last. Shared: in a database that Laravel made, its own table stays as it is; stand-alone,
-- the columns of it that Onceline uses. Written by src/matching.
-- Refused where a table of this name is not Laravel's:
-- ? SELECT 'user_last_locations' AS shared_table, wanted.name AS lacks_column FROM (
-- ?   SELECT 'id' AS name UNION ALL SELECT 'user_id' UNION ALL SELECT 'type' UNION ALL SELECT 'latitude'
-- ?   UNION ALL SELECT 'longitude' UNION ALL SELECT 'zone_id' UNION ALL SELECT 'created_at' UNION ALL SELECT 'updated_at') AS wanted
-- ? WHERE EXISTS (SELECT 1 FROM information_schema.tables
-- ?   WHERE table_schema = DATABASE() AND table_name = 'user_last_locations')
-- ? AND wanted.name NOT IN (SELECT column_name FROM information_schema.columns
-- ?   WHERE table_schema = DATABASE() AND table_name = 'user_last_locations') LIMIT 100
CREATE TABLE IF NOT EXISTS user_last_locations (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  user_id CHAR(36) DEFAULT NULL,
  type VARCHAR(191) DEFAULT NULL,
  latitude VARCHAR(191) DEFAULT NULL,
  longitude VARCHAR(191) DEFAULT NULL,
  zone_id VARCHAR(191) DEFAULT NULL,
  created_at TIMESTAMP NULL DEFAULT NULL,
  updated_at TIMESTAMP NULL DEFAULT NULL,
  PRIMARY KEY (id),
  KEY user_last_locations_user (user_id),
  KEY user_last_locations_zone (zone_id, type)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
