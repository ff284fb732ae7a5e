-- Laravel's bids. Shared, as trip_requests is: each bid of ours stands there too, for Laravel's own pages. Written by src/matching.
-- Refused where a table of this name is not Laravel's:
-- ? SELECT 'fare_biddings' AS shared_table, wanted.name AS lacks_column FROM (
-- ?   SELECT 'id' AS name UNION ALL SELECT 'trip_request_id' UNION ALL SELECT 'driver_id' UNION ALL SELECT 'customer_id'
-- ?   UNION ALL SELECT 'bid_fare' UNION ALL SELECT 'is_ignored' UNION ALL SELECT 'created_at'
-- ?   UNION ALL SELECT 'updated_at') AS wanted
-- ? WHERE EXISTS (SELECT 1 FROM information_schema.tables
-- ?   WHERE table_schema = DATABASE() AND table_name = 'fare_biddings')
-- ? AND wanted.name NOT IN (SELECT column_name FROM information_schema.columns
-- ?   WHERE table_schema = DATABASE() AND table_name = 'fare_biddings') LIMIT 100
CREATE TABLE IF NOT EXISTS fare_biddings (
  id CHAR(36) NOT NULL,
  trip_request_id CHAR(36) NOT NULL,
  driver_id CHAR(36) NOT NULL,
  customer_id CHAR(36) NOT NULL,
  bid_fare DECIMAL(23,3) NOT NULL,
  is_ignored TINYINT NOT NULL DEFAULT 0,
  created_at TIMESTAMP NULL DEFAULT NULL,
  updated_at TIMESTAMP NULL DEFAULT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
