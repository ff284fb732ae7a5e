-- Laravel's drivers: whether they work, and whether they may be asked. Shared: in a database that Laravel made, its own table
-- stays as it is; stand-alone, the columns of it that Onceline uses. Written by src/matching.
-- Refused where a table of this name is not Laravel's:
-- ? SELECT 'driver_details' AS shared_table, wanted.name AS lacks_column FROM (
-- ?   SELECT 'user_id' AS name UNION ALL SELECT 'is_online' UNION ALL SELECT 'availability_status'
-- ?   UNION ALL SELECT 'created_at' UNION ALL SELECT 'updated_at') AS wanted
-- ? WHERE EXISTS (SELECT 1 FROM information_schema.tables
-- ?   WHERE table_schema = DATABASE() AND table_name = 'driver_details')
-- ? AND wanted.name NOT IN (SELECT column_name FROM information_schema.columns
-- ?   WHERE table_schema = DATABASE() AND table_name = 'driver_details') LIMIT 100
CREATE TABLE IF NOT EXISTS driver_details (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  user_id CHAR(36) NOT NULL,
  is_online VARCHAR(191) NOT NULL DEFAULT '0',
  availability_status VARCHAR(191) NOT NULL DEFAULT 'unavailable',
  created_at TIMESTAMP NULL DEFAULT NULL,
  updated_at TIMESTAMP NULL DEFAULT NULL,
  PRIMARY KEY (id),
  KEY driver_details_user_id (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
