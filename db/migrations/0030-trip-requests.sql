-- Laravel's trips. Shared: in a database that Laravel made, its own table stays as it is; stand-alone, the columns of it that
-- Onceline uses. Written by src/matching.
-- Refused where a table of this name is not Laravel's:
-- ? SELECT 'trip_requests' AS shared_table, wanted.name AS lacks_column FROM (
-- ?   SELECT 'id' AS name UNION ALL SELECT 'customer_id' UNION ALL SELECT 'driver_id' UNION ALL SELECT 'vehicle_category_id'
-- ?   UNION ALL SELECT 'zone_id' UNION ALL SELECT 'estimated_fare' UNION ALL SELECT 'actual_fare'
-- ?   UNION ALL SELECT 'payment_method' UNION ALL SELECT 'type' UNION ALL SELECT 'current_status'
-- ?   UNION ALL SELECT 'deleted_at' UNION ALL SELECT 'created_at' UNION ALL SELECT 'updated_at') AS wanted
-- ? WHERE EXISTS (SELECT 1 FROM information_schema.tables
-- ?   WHERE table_schema = DATABASE() AND table_name = 'trip_requests')
-- ? AND wanted.name NOT IN (SELECT column_name FROM information_schema.columns
-- ?   WHERE table_schema = DATABASE() AND table_name = 'trip_requests') LIMIT 100
CREATE TABLE IF NOT EXISTS trip_requests (
  id CHAR(36) NOT NULL,
  customer_id CHAR(36) NULL,
  driver_id CHAR(36) NULL,
  vehicle_category_id CHAR(36) NULL,
  zone_id CHAR(36) NULL,
  estimated_fare DECIMAL(23,3) NOT NULL,
  actual_fare DECIMAL(23,3) NOT NULL DEFAULT 0,
  paid_fare DECIMAL(23,3) NOT NULL DEFAULT 0,
  payment_method VARCHAR(191) NULL,
  payment_status VARCHAR(191) NULL DEFAULT 'unpaid',
  type VARCHAR(20) NULL,
  current_status VARCHAR(20) NOT NULL DEFAULT 'pending',
  otp VARCHAR(191) NULL,
  deleted_at TIMESTAMP NULL DEFAULT NULL,
  created_at TIMESTAMP NULL DEFAULT NULL,
  updated_at TIMESTAMP NULL DEFAULT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
