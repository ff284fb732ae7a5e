-- Who is on this ride, as a column that can be unique. RTRIM because MariaDB refuses a generated column over a bare CHAR.
-- Invisible (from MySQL 8.0.23 and MariaDB 10.3 on) and not stored: SELECT * and Laravel's models do not see it, and no row is
-- written anew.
ALTER TABLE trip_requests ADD COLUMN active_driver_id VARCHAR(36) AS (
  CASE WHEN type = 'ride_request' AND deleted_at IS NULL AND current_status IN ('accepted', 'ongoing')
  THEN RTRIM(driver_id) END
) VIRTUAL /*!80023 INVISIBLE */ /*M!100303 INVISIBLE */ COMMENT 'added by Onceline'
