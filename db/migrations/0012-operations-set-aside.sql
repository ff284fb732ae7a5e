-- Work that kills whoever does it, or turns in a circle, is set aside instead of being taken over for ever.
ALTER TABLE idempotency_operations
  ADD COLUMN owners SMALLINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'since an owner last said something, the present one included; 0: nobody has it',
  ADD COLUMN phases SMALLINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'that were committed',
  ADD COLUMN set_aside_at DATETIME(3) NULL COMMENT 'since then nobody goes on with it, until a person lets it'
