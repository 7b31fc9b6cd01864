-- What makes a create call safe to repeat, and the quotas that bound what one tenant uses.

-- A request is remembered by who made it and where; the fingerprint is a keyed digest, so a dump
-- tells nothing of a chosen password.
CREATE TABLE create_requests (
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    user_id uuid NOT NULL REFERENCES users (id),
    request_id text NOT NULL CHECK (octet_length(request_id) BETWEEN 1 AND 128),
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    -- Checked at commit: the request is written first, so that a repeated one is noticed first.
    service_id uuid NOT NULL REFERENCES services (id) DEFERRABLE INITIALLY DEFERRED,
    deployment_id uuid REFERENCES deployments (id) DEFERRABLE INITIALLY DEFERRED,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, user_id, request_id)
);
CREATE INDEX create_requests_created_at ON create_requests (created_at);

-- Quotas count no further than the quota itself. Far from it, creates do not wait for each other;
-- within `margin` of it they queue on a lock, so that two at once cannot both take the last place.
-- In READ COMMITTED each query of a volatile function sees what was committed before it.
CREATE INDEX services_undeleted_of_workspace ON services (workspace_id) WHERE deleted_at IS NULL;

CREATE FUNCTION require_service_quota(workspace uuid, quota integer) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    margin CONSTANT integer := 64;
    counted integer;
BEGIN
    SELECT count(*) INTO counted FROM (
        SELECT 1 FROM services WHERE workspace_id = workspace AND deleted_at IS NULL LIMIT quota
    ) AS bounded;
    IF counted < quota - margin THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('services:' || workspace::text, 0));
    SELECT count(*) INTO counted FROM (
        SELECT 1 FROM services WHERE workspace_id = workspace AND deleted_at IS NULL LIMIT quota
    ) AS bounded;
    IF counted >= quota THEN
        RAISE EXCEPTION 'quota reached'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'services_per_workspace_max';
    END IF;
END
$$;

CREATE FUNCTION require_deployment_quota(server uuid, quota integer) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    margin CONSTANT integer := 64;
    counted integer;
BEGIN
    SELECT count(*) INTO counted FROM (
        SELECT 1 FROM deployments WHERE server_id = server AND state = 'queued' LIMIT quota
    ) AS bounded;
    IF counted < quota - margin THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('deployments:' || server::text, 0));
    SELECT count(*) INTO counted FROM (
        SELECT 1 FROM deployments WHERE server_id = server AND state = 'queued' LIMIT quota
    ) AS bounded;
    IF counted >= quota THEN
        RAISE EXCEPTION 'quota reached'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'deployments_waiting_per_server_max';
    END IF;
END
$$;
