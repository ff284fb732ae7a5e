-- Laravel's table of drivers has no index but its primary key, and whoever goes online or offline writes there: without one each
-- of them would read all drivers that there are, and wait for whatever is locked. Stand-alone it was created with the table.
-- = may stand
ALTER TABLE driver_details ADD KEY driver_details_user_id (user_id)
