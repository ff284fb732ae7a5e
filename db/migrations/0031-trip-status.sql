-- When a trip came to each of Laravel's states. Shared, as trip_requests is. Written by src/matching.
-- Refused where a table of this name is not Laravel's:
-- ? SELECT 'trip_status' AS shared_table, wanted.name AS lacks_column FROM (
-- ?   SELECT 'trip_request_id' AS name UNION ALL SELECT 'customer_id' UNION ALL SELECT 'driver_id'
-- ?   UNION ALL SELECT 'pending' UNION ALL SELECT 'accepted' UNION ALL SELECT 'ongoing' UNION ALL SELECT 'completed'
-- ?   UNION ALL SELECT 'cancelled' UNION ALL SELECT 'updated_at') AS wanted
-- ? WHERE EXISTS (SELECT 1 FROM information_schema.tables
-- ?   WHERE table_schema = DATABASE() AND table_name = 'trip_status')
-- ? AND wanted.name NOT IN (SELECT column_name FROM information_schema.columns
-- ?   WHERE table_schema = DATABASE() AND table_name = 'trip_status') LIMIT 100
CREATE TABLE IF NOT EXISTS trip_status (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  trip_request_id CHAR(36) NOT NULL,
  customer_id CHAR(36) NOT NULL,
  driver_id CHAR(36) NULL,
  pending TIMESTAMP NULL DEFAULT NULL,
  accepted TIMESTAMP NULL DEFAULT NULL,
  ongoing TIMESTAMP NULL DEFAULT NULL,
  completed TIMESTAMP NULL DEFAULT NULL,
  cancelled TIMESTAMP NULL DEFAULT NULL,
  created_at TIMESTAMP NULL DEFAULT NULL,
  updated_at TIMESTAMP NULL DEFAULT NULL,
  PRIMARY KEY (id),
  KEY trip_status_trip_request_id (trip_request_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
