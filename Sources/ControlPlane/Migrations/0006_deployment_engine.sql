-- The life of a deployment: order, history, the right to work, and what is known of each service's
-- container and data.

-- The order in which deployments were asked for; ids made in the same millisecond have none.
ALTER TABLE deployments ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE deployments ADD COLUMN failure_reason text NOT NULL DEFAULT '';
ALTER TABLE deployments ADD COLUMN failure_hint text NOT NULL DEFAULT '';
ALTER TABLE deployments ADD COLUMN pinned_image text NOT NULL DEFAULT '';
ALTER TABLE deployments ADD COLUMN cancel_requested_at timestamptz;
-- The claim whose agent was told to stop.
ALTER TABLE deployments ADD COLUMN cancel_sent_token bigint;
-- The first claim; the deadline counts from it.
ALTER TABLE deployments ADD COLUMN claimed_at timestamptz;
ALTER TABLE deployments DROP CONSTRAINT deployments_trigger_check;
ALTER TABLE deployments ADD CONSTRAINT deployments_trigger_check
    CHECK (trigger IN ('create', 'deploy', 'redeploy', 'recover', 'undelete'));
ALTER TABLE deployments ADD CONSTRAINT deployments_work_has_lease CHECK (
    (state IN ('claimed', 'pulling', 'starting', 'verifying')) = (lease_holder IS NOT NULL)
);

-- One index serves "newest first" and "the newest".
DROP INDEX deployments_service_id;
CREATE INDEX deployments_service_number ON deployments (service_id, number DESC);
CREATE INDEX deployments_at_work ON deployments (server_id)
    WHERE state IN ('claimed', 'pulling', 'starting', 'verifying');
CREATE UNIQUE INDEX deployments_one_at_work ON deployments (service_id)
    WHERE state IN ('claimed', 'pulling', 'starting', 'verifying');
CREATE UNIQUE INDEX deployments_one_runs ON deployments (service_id) WHERE state = 'running';

-- What happened to a deployment after it was queued. No statement but this table's trigger writes
-- it, so no move goes unnoted.
CREATE TABLE deployment_events (
    deployment_id uuid NOT NULL REFERENCES deployments (id),
    number bigint GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL,
    message text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (deployment_id, number)
);

CREATE FUNCTION note_deployment_move() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- New messages of one state are noted up to here; later ones stand in the deployment alone.
    messages_max CONSTANT integer := 100;
    is_legal boolean := CASE OLD.state
        WHEN 'queued' THEN NEW.state IN ('claimed', 'superseded', 'cancelled')
        WHEN 'running' THEN NEW.state = 'superseded'
        WHEN 'failed' THEN false
        WHEN 'superseded' THEN false
        WHEN 'cancelled' THEN false
        ELSE NEW.state NOT IN ('queued', 'superseded')
    END;
BEGIN
    IF NEW.state = OLD.state THEN
        IF NEW.message = OLD.message OR NEW.message = '' OR messages_max <= (
            SELECT count(*) FROM deployment_events WHERE deployment_id = NEW.id
        ) THEN
            RETURN NULL;
        END IF;
    ELSIF NOT is_legal THEN
        RAISE EXCEPTION 'a deployment cannot move from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'deployments_move_is_legal';
    END IF;
    INSERT INTO deployment_events (deployment_id, state, message, created_at)
    VALUES (NEW.id, NEW.state, NEW.message, NEW.updated_at);
    RETURN NULL;
END
$$;
CREATE TRIGGER deployments_note_move AFTER UPDATE OF state, message ON deployments
    FOR EACH ROW EXECUTE FUNCTION note_deployment_move();

-- What is known of each service that an agent may have worked on. Its row is also the lock under
-- which work of the service is handed out and its outcome recorded.
CREATE TABLE instances (
    service_id uuid PRIMARY KEY,
    environment_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    server_id uuid NOT NULL,
    -- Rises with each claim of any job of the service; 0: never claimed.
    fencing_token bigint NOT NULL DEFAULT 0,
    volume_name text NOT NULL CHECK (volume_name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$'),
    initialized_at timestamptz,
    system_identifier text NOT NULL DEFAULT '' CHECK (system_identifier ~ '^[0-9]{0,20}$'),
    -- The reference that was asked for, and the content that ran for it.
    image text NOT NULL DEFAULT '',
    pinned_image text NOT NULL DEFAULT '',
    running_deployment_id uuid REFERENCES deployments (id),
    running_since timestamptz,
    -- The container of the running deployment as the agent last saw it, and since when.
    observed_state text NOT NULL DEFAULT 'running'
        CHECK (observed_state IN ('running', 'restarting', 'exited', 'missing')),
    observed_message text NOT NULL DEFAULT '',
    observed_at timestamptz,
    restart_count integer NOT NULL DEFAULT 0,
    -- When it was last seen to have been started again.
    restarted_at timestamptz,
    FOREIGN KEY (service_id, environment_id, workspace_id)
        REFERENCES services (id, environment_id, workspace_id),
    FOREIGN KEY (server_id, workspace_id) REFERENCES servers (id, workspace_id)
);
CREATE INDEX instances_running ON instances (server_id) WHERE running_deployment_id IS NOT NULL;

-- What must never be forgotten, whatever is written: that there is data, where, and whose it is.
CREATE FUNCTION remember_instance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.fencing_token < OLD.fencing_token
        OR OLD.initialized_at IS NOT NULL
            AND (NEW.initialized_at IS NULL OR NEW.volume_name <> OLD.volume_name)
        OR OLD.system_identifier <> '' AND NEW.system_identifier <> OLD.system_identifier
    THEN
        RAISE EXCEPTION 'what is known of a service''s data cannot be taken back'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'instances_data_is_remembered';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER instances_remember BEFORE UPDATE ON instances
    FOR EACH ROW EXECUTE FUNCTION remember_instance();

-- Work that is no deployment. A row is there until it is done; held by an agent while it has a lease.
CREATE TABLE service_jobs (
    id uuid PRIMARY KEY,
    service_id uuid NOT NULL REFERENCES instances (service_id),
    environment_id uuid NOT NULL,
    server_id uuid NOT NULL REFERENCES servers (id),
    kind text NOT NULL CHECK (kind IN ('restart', 'teardown', 'purge')),
    attempt integer NOT NULL DEFAULT 0,
    lease_holder text,
    lease_until timestamptz,
    fencing_token bigint NOT NULL DEFAULT 0,
    wake_at timestamptz NOT NULL,
    -- Why it failed when it was last tried.
    message text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    UNIQUE (service_id, kind),
    CONSTRAINT service_jobs_lease_is_whole CHECK (
        (lease_holder IS NULL) = (lease_until IS NULL)
        AND (lease_holder IS NULL OR fencing_token > 0)
    )
);
CREATE INDEX service_jobs_server_id ON service_jobs (server_id);
CREATE UNIQUE INDEX service_jobs_one_at_work ON service_jobs (service_id)
    WHERE lease_holder IS NOT NULL;

-- Where an environment lives; its first deployment says it, for its network does not leave a host.
CREATE TABLE environment_servers (
    environment_id uuid PRIMARY KEY REFERENCES environments (id),
    workspace_id uuid NOT NULL,
    server_id uuid NOT NULL,
    FOREIGN KEY (server_id, workspace_id) REFERENCES servers (id, workspace_id)
);
INSERT INTO environment_servers (environment_id, workspace_id, server_id)
    SELECT DISTINCT ON (environment_id) environment_id, workspace_id, server_id
    FROM deployments ORDER BY environment_id, number;
UPDATE deployments d
    SET state = 'cancelled', updated_at = now(),
        message = 'the environment lives on another server'
    FROM environment_servers e
    WHERE e.environment_id = d.environment_id AND e.server_id <> d.server_id
        AND d.state = 'queued';

-- Everything that may refuse a new deployment, in one call of the transaction that queues it. The
-- refusal names the server by the exception's message: its id, a space, its name.
CREATE FUNCTION admit_deployment(environment uuid, workspace uuid, server uuid, quota integer)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    pinned uuid;
BEGIN
    SELECT server_id INTO pinned FROM environment_servers WHERE environment_id = environment;
    IF pinned IS NULL THEN
        -- Waits for whoever pins it in the same moment.
        INSERT INTO environment_servers (environment_id, workspace_id, server_id)
            VALUES (environment, workspace, server) ON CONFLICT (environment_id) DO NOTHING;
        SELECT server_id INTO pinned FROM environment_servers
            WHERE environment_id = environment;
    END IF;
    IF pinned <> server THEN
        RAISE EXCEPTION '% %', pinned, (SELECT name FROM servers WHERE id = pinned)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'environment_lives_on_one_server';
    END IF;
    PERFORM require_deployment_quota(server, quota);
END
$$;

-- A deleted service: when the agent proved that nothing of it runs, until when its data is kept, when
-- its removal was queued, and when it was proven gone.
ALTER TABLE services ADD COLUMN torn_down_at timestamptz;
ALTER TABLE services ADD COLUMN purge_at timestamptz;
ALTER TABLE services ADD COLUMN purge_queued_at timestamptz;
ALTER TABLE services ADD COLUMN purged_at timestamptz;
UPDATE services SET torn_down_at = deleted_at, purge_at = deleted_at + interval '7 days'
    WHERE deleted_at IS NOT NULL;
ALTER TABLE services ADD CONSTRAINT services_only_deleted_are_purged CHECK (
    deleted_at IS NOT NULL
    OR num_nonnulls(torn_down_at, purge_at, purge_queued_at, purged_at) = 0
);
CREATE INDEX services_to_purge ON services (purge_at)
    WHERE torn_down_at IS NOT NULL AND purge_queued_at IS NULL AND purged_at IS NULL;
