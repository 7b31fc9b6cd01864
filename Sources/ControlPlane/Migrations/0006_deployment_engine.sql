-- The life of a deployment: order, history, the right to work, and what is known of each service's
-- container and data.

-- The order in which deployments were asked for; ids made in the same millisecond have none.
ALTER TABLE deployments ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE deployments ADD COLUMN failure_reason text NOT NULL DEFAULT '';
ALTER TABLE deployments ADD COLUMN failure_hint text NOT NULL DEFAULT '';
ALTER TABLE deployments ADD COLUMN pinned_image text NOT NULL DEFAULT '';
ALTER TABLE deployments ADD COLUMN cancel_requested_at timestamptz;
ALTER TABLE deployments ADD COLUMN claimed_at timestamptz;
ALTER TABLE deployments DROP CONSTRAINT deployments_trigger_check;
ALTER TABLE deployments ADD CONSTRAINT deployments_trigger_check
    CHECK (trigger IN ('create', 'deploy', 'redeploy', 'recover', 'undelete'));
