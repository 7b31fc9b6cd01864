-- What the control plane gave up is undone, an environment's server is released, and lists have
-- their indexes.

-- An undo job has the id of the deployment that it is about: of a kind like no other, a service may
-- have several.
ALTER TABLE service_jobs DROP CONSTRAINT service_jobs_kind_check;
ALTER TABLE service_jobs ADD CONSTRAINT service_jobs_kind_check
    CHECK (kind IN ('restart', 'teardown', 'purge', 'undo'));
ALTER TABLE service_jobs DROP CONSTRAINT service_jobs_service_id_kind_key;
CREATE INDEX service_jobs_service_id ON service_jobs (service_id);
CREATE UNIQUE INDEX service_jobs_one_of_a_kind ON service_jobs (service_id, kind)
    WHERE kind <> 'undo';

-- As before, and whoever would take the pin back waits for the transaction that calls this.
CREATE OR REPLACE FUNCTION admit_deployment(
    environment uuid, workspace uuid, server uuid, quota integer
)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    pinned uuid;
BEGIN
    LOOP
        SELECT server_id INTO pinned FROM environment_servers
            WHERE environment_id = environment FOR KEY SHARE;
        EXIT WHEN FOUND;
        -- Waits for whoever pins it in the same moment; who did is read in the next round, for the
        -- pin may be gone again.
        INSERT INTO environment_servers (environment_id, workspace_id, server_id)
            VALUES (environment, workspace, server) ON CONFLICT (environment_id) DO NOTHING;
    END LOOP;
    IF pinned <> server THEN
        RAISE EXCEPTION '% %', pinned, (SELECT name FROM servers WHERE id = pinned)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'environment_lives_on_one_server';
    END IF;
    PERFORM require_deployment_quota(server, quota);
END
$$;

-- Takes an environment's pin back when nothing of it is left on the server: each service that was
-- ever deployed is purged. For the transaction that purges one, after it has said so.
CREATE FUNCTION release_environment(environment uuid) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    -- First the lock, then the look: a deployment that was admitted meanwhile is committed by then,
    -- and so is another purge.
    PERFORM 1 FROM environment_servers WHERE environment_id = environment FOR UPDATE;
    DELETE FROM environment_servers WHERE environment_id = environment AND NOT EXISTS (
        SELECT FROM services s WHERE s.environment_id = environment AND s.purged_at IS NULL
            AND EXISTS (SELECT FROM deployments d WHERE d.service_id = s.id)
    );
END
$$;
-- Those of which nothing was left before there was a release.
SELECT release_environment(environment_id) FROM (
    SELECT environment_id FROM environment_servers ORDER BY environment_id
) AS pinned;

CREATE INDEX servers_workspace_id ON servers (workspace_id, id DESC);
