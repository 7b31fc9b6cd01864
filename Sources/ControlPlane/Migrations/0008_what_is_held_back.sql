-- Whose name is still taken on the network, what was last done and seen, and why a server comes and
-- goes.

-- A deleted service's slug is free at once, but its containers answer to it until their teardown is
-- proven: whoever has the name now is not deployed before.
CREATE INDEX services_not_torn_down ON services (environment_id, slug)
    WHERE deleted_at IS NOT NULL AND torn_down_at IS NULL;
CREATE VIEW services_held_back AS
    SELECT s.id AS service_id FROM services s WHERE EXISTS (
        SELECT FROM services t
        WHERE t.environment_id = s.environment_id AND t.slug = s.slug AND t.id <> s.id
            AND t.deleted_at IS NOT NULL AND t.torn_down_at IS NULL
    );

-- When an agent last ended a job of the service: what it saw before is outdated.
ALTER TABLE instances ADD COLUMN worked_at timestamptz;
-- Why the last restart failed; empty once a restart or a deployment has succeeded since.
ALTER TABLE instances ADD COLUMN restart_failure_reason text NOT NULL DEFAULT '';
ALTER TABLE instances ADD COLUMN restart_failure_message text NOT NULL DEFAULT '';
-- Orphans are looked for among volumes by their names.
CREATE INDEX instances_volume_name ON instances (volume_name);

-- Why the agent would not begin the job when it was last sent; empty once it has.
ALTER TABLE deployments ADD COLUMN refusal text NOT NULL DEFAULT '';

-- Why the newest stream that ended did, and what was last refused.
ALTER TABLE agents ADD COLUMN stream_end_reason text NOT NULL DEFAULT '';
ALTER TABLE agents ADD COLUMN stream_ended_at timestamptz;
ALTER TABLE agents ADD COLUMN last_refusal text NOT NULL DEFAULT '';
ALTER TABLE agents ADD COLUMN last_refused_at timestamptz;

-- What is on a server with our labels and is nobody's: how many, and the first of them.
ALTER TABLE agents ADD COLUMN orphan_count integer NOT NULL DEFAULT 0;
CREATE TABLE server_orphans (
    server_id uuid NOT NULL REFERENCES servers (id),
    number integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('container', 'volume', 'network')),
    name text NOT NULL,
    PRIMARY KEY (server_id, number)
);
