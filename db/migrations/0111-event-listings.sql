-- How far the gateways' own lists of events have been compared with what came. Written by src/webhooks.
CREATE TABLE event_listings (
  gateway VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  compared_until DATETIME(3) NOT NULL COMMENT 'everything before is compared',
  next_at DATETIME(3) NOT NULL COMMENT 'when the list is read next; who reads it puts it ahead first',
  last_error VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  PRIMARY KEY (gateway, account)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
