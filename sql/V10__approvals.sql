-- Calls that wait for approvals, and who has given one.

create table approval_request (
    -- identity: the ApprovalId
    id          uuid        primary key,
    -- immutable: what was asked, and by whom
    account     text        not null references account,
    region      text        not null check (region ~ '^[a-z0-9-]{1,32}$'),
    operation   text        not null check (operation <> ''),
    -- the principal's ARN; its identity's: of a session, the role's; an array of the ARNs of that and
    -- of whoever assumed the role
    requester   text        not null check (requester <> ''),
    identity    text        not null check (identity <> ''),
    hands       text        not null check (hands::json is not null),
    -- made by a key on the token over the whole call: whoever reads this cannot guess at its secrets
    call        bytea       not null,
    -- texts of JSON, as the audit record shows the call: an object; an array of keys' ARNs
    parameters  text        not null check (parameters::json is not null),
    resources   text        not null check (resources::json is not null),
    -- the rule as it was: how many approvals, and an array of the ARNs of those who may give them
    needed      integer     not null check (needed >= 1),
    approvers   text        not null check (approvers::json is not null),
    created     timestamptz not null,
    expires     timestamptz not null,
    -- mutable
    state       text        not null check (state in ('PENDING', 'DENIED', 'EXECUTED', 'EXPIRED')),
    denied_by   text        check (denied_by is null or state <> 'PENDING'),
    -- record-keeping
    row_version bigint      not null check (row_version >= 0),
    mac         bytea       not null
);

-- One call has one request that is open, whoever asks at once.
create unique index approval_request_open on approval_request (call)
    where state in ('PENDING', 'DENIED');
create index approval_request_account on approval_request (account, id);
create index approval_request_identity on approval_request (identity, created);
create index approval_request_expires on approval_request (expires);

create table approval (
    -- identity: an identity approves a request once, by whichever of its keys and sessions
    request     uuid        not null references approval_request on delete cascade,
    approver_id uuid        not null,
    -- immutable: the identity's ARN, the principal's, an array as above, and the access key that signed
    approver    text        not null check (approver <> ''),
    hands       text        not null check (hands::json is not null),
    principal   text        not null check (principal <> ''),
    access_key  text,
    created     timestamptz not null,
    -- record-keeping
    mac         bytea       not null,
    primary key (request, approver_id)
);
