-- Laravel's table of times has no index but its primary key, and every step of a trip writes there: without one each step
-- would read the times of all trips that ever were. Stand-alone it was created with the table.
-- = may stand
ALTER TABLE trip_status ADD KEY trip_status_trip_request_id (trip_request_id)
