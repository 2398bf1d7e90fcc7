--
-- PostgreSQL database dump
--

\restrict IDSQzOAV4EQaR2KUCCu1KKwGRHpU0e78cimnarzvd9lkQpak7vdtXPoFF7ipzNr

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: audit_record_is_append_only(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.audit_record_is_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'the audit log is append-only';
end
$$;


--
-- Name: strongroom_now(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.strongroom_now() RETURNS timestamp with time zone
    LANGUAGE sql
    AS $$select clock_timestamp()$$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: access_key; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.access_key (
    id uuid NOT NULL,
    access_key_id text NOT NULL,
    account text NOT NULL,
    principal text NOT NULL,
    created timestamp with time zone NOT NULL,
    wrapped_secret bytea NOT NULL,
    enabled boolean NOT NULL,
    row_version bigint NOT NULL,
    mac bytea NOT NULL,
    CONSTRAINT access_key_access_key_id_check CHECK ((access_key_id <> ''::text)),
    CONSTRAINT access_key_row_version_check CHECK ((row_version >= 0))
);


--
-- Name: access_key_usage; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.access_key_usage (
    access_key uuid NOT NULL,
    used timestamp with time zone NOT NULL,
    service text NOT NULL,
    region text NOT NULL
);


--
-- Name: account; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.account (
    id text NOT NULL,
    created timestamp with time zone NOT NULL,
    CONSTRAINT account_id_check CHECK ((id ~ '^[0-9]{12}$'::text))
);


--
-- Name: alias; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.alias (
    id uuid NOT NULL,
    account text NOT NULL,
    region text NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    created timestamp with time zone NOT NULL,
    key_id text NOT NULL COLLATE pg_catalog."C",
    updated timestamp with time zone NOT NULL,
    row_version bigint NOT NULL,
    mac bytea NOT NULL,
    CONSTRAINT alias_name_check CHECK ((name ~~ 'alias/_%'::text)),
    CONSTRAINT alias_row_version_check CHECK ((row_version >= 0))
);


--
-- Name: audit_record; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_record (
    "position" bigint NOT NULL,
    request_id uuid NOT NULL,
    written_at timestamp with time zone DEFAULT public.strongroom_now() NOT NULL,
    record bytea NOT NULL
);


--
-- Name: audit_record_position_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.audit_record ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_record_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: deployment; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.deployment (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    created timestamp with time zone DEFAULT public.strongroom_now() NOT NULL,
    only_one boolean DEFAULT true NOT NULL,
    usage_since timestamp with time zone DEFAULT public.strongroom_now() NOT NULL,
    CONSTRAINT deployment_only_one_check CHECK (only_one)
);


--
-- Name: gcm_reservation; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.gcm_reservation (
    version uuid NOT NULL,
    reserved bigint NOT NULL,
    CONSTRAINT gcm_reservation_reserved_check CHECK (((reserved >= 0) AND (reserved <= '4294967296'::bigint)))
);


--
-- Name: intent; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.intent (
    version uuid NOT NULL,
    kind text NOT NULL,
    created timestamp with time zone DEFAULT public.strongroom_now() NOT NULL,
    owner uuid NOT NULL,
    lease_until timestamp with time zone NOT NULL,
    taken_over boolean DEFAULT false NOT NULL,
    mac bytea NOT NULL,
    token_serial text,
    object_id bytea,
    is_pair boolean,
    CONSTRAINT intent_check CHECK (((is_pair IS NULL) OR (object_id IS NOT NULL))),
    CONSTRAINT intent_kind_check CHECK ((kind = ANY (ARRAY['create'::text, 'destroy'::text])))
);


--
-- Name: key_store; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.key_store (
    id uuid NOT NULL,
    account text NOT NULL,
    region text NOT NULL,
    key_store_id text NOT NULL COLLATE pg_catalog."C",
    certificate text NOT NULL,
    created timestamp with time zone NOT NULL,
    name text NOT NULL,
    cluster text NOT NULL,
    wrapped_password bytea NOT NULL,
    password_tried boolean NOT NULL,
    state text NOT NULL,
    error text,
    connection uuid NOT NULL,
    connector uuid NOT NULL,
    token_serial text,
    row_version bigint NOT NULL,
    mac bytea NOT NULL,
    connecting_until timestamp with time zone,
    CONSTRAINT key_store_check CHECK (((state = 'FAILED'::text) = (error IS NOT NULL))),
    CONSTRAINT key_store_key_store_id_check CHECK ((key_store_id ~~ 'cks-_%'::text)),
    CONSTRAINT key_store_name_check CHECK ((name <> ''::text)),
    CONSTRAINT key_store_region_check CHECK ((region ~ '^[a-z0-9-]{1,32}$'::text)),
    CONSTRAINT key_store_row_version_check CHECK ((row_version >= 0)),
    CONSTRAINT key_store_state_check CHECK ((state = ANY (ARRAY['CONNECTED'::text, 'CONNECTING'::text, 'FAILED'::text, 'DISCONNECTED'::text, 'DISCONNECTING'::text])))
);


--
-- Name: key_usage; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.key_usage (
    key uuid NOT NULL,
    operation text NOT NULL,
    used timestamp with time zone NOT NULL,
    request_id uuid NOT NULL
);


--
-- Name: key_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.key_version (
    id uuid NOT NULL,
    material_set uuid NOT NULL,
    number integer NOT NULL,
    spec text NOT NULL,
    token_serial text NOT NULL,
    public_key bytea,
    birth text NOT NULL,
    created timestamp with time zone NOT NULL,
    row_version bigint NOT NULL,
    mac bytea NOT NULL,
    state text DEFAULT 'Enabled'::text NOT NULL,
    valid_to timestamp with time zone,
    description text,
    rotation text,
    rotated timestamp with time zone,
    verifier bytea,
    object_id bytea,
    CONSTRAINT key_version_birth_check CHECK (((birth)::json IS NOT NULL)),
    CONSTRAINT key_version_check CHECK (((rotation IS NULL) = (rotated IS NULL))),
    CONSTRAINT key_version_number_check CHECK ((number >= 1)),
    CONSTRAINT key_version_object_id_check CHECK (((octet_length(object_id) >= 1) AND (octet_length(object_id) <= 255))),
    CONSTRAINT key_version_rotation_check CHECK ((rotation = ANY (ARRAY['AUTOMATIC'::text, 'ON_DEMAND'::text]))),
    CONSTRAINT key_version_row_version_check CHECK ((row_version >= 0)),
    CONSTRAINT key_version_spec_check CHECK ((spec <> ''::text)),
    CONSTRAINT key_version_state_check CHECK ((state = ANY (ARRAY['Enabled'::text, 'Disabled'::text, 'PendingImport'::text])))
);


--
-- Name: kms_grant; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.kms_grant (
    id uuid NOT NULL,
    key uuid NOT NULL,
    grant_id text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL,
    region text NOT NULL,
    key_id text NOT NULL,
    name text,
    grantee text NOT NULL,
    retiring text,
    issuer text NOT NULL,
    operations text[] NOT NULL,
    constraints text,
    created timestamp with time zone NOT NULL,
    row_version bigint NOT NULL,
    mac bytea NOT NULL,
    CONSTRAINT kms_grant_constraints_check CHECK (((constraints IS NULL) OR ((constraints)::json IS NOT NULL))),
    CONSTRAINT kms_grant_grant_id_check CHECK ((grant_id ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT kms_grant_grantee_check CHECK ((grantee <> ''::text)),
    CONSTRAINT kms_grant_name_check CHECK ((name <> ''::text)),
    CONSTRAINT kms_grant_operations_check CHECK ((cardinality(operations) > 0)),
    CONSTRAINT kms_grant_retiring_check CHECK ((retiring <> ''::text)),
    CONSTRAINT kms_grant_row_version_check CHECK ((row_version >= 0))
);


--
-- Name: kms_key; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.kms_key (
    id uuid NOT NULL,
    account text NOT NULL,
    region text NOT NULL,
    key_id text NOT NULL COLLATE pg_catalog."C",
    spec text NOT NULL,
    key_usage text NOT NULL,
    origin text NOT NULL,
    multi_region boolean NOT NULL,
    material_set uuid NOT NULL,
    created timestamp with time zone NOT NULL,
    state text NOT NULL,
    description text NOT NULL,
    policy text NOT NULL,
    tags jsonb NOT NULL,
    deletion timestamp with time zone,
    current_version uuid NOT NULL,
    row_version bigint NOT NULL,
    mac bytea NOT NULL,
    key_store uuid,
    primary_region text,
    rotation_days integer,
    next_rotation timestamp with time zone,
    pending_days integer,
    CONSTRAINT kms_key_check CHECK (((state = 'PendingDeletion'::text) = (deletion IS NOT NULL))),
    CONSTRAINT kms_key_check1 CHECK ((multi_region = (primary_region IS NOT NULL))),
    CONSTRAINT kms_key_check2 CHECK (((rotation_days IS NULL) = (next_rotation IS NULL))),
    CONSTRAINT kms_key_check3 CHECK (((state = 'PendingReplicaDeletion'::text) = (pending_days IS NOT NULL))),
    CONSTRAINT kms_key_key_id_check CHECK ((key_id <> ''::text)),
    CONSTRAINT kms_key_key_usage_check CHECK ((key_usage = ANY (ARRAY['SIGN_VERIFY'::text, 'ENCRYPT_DECRYPT'::text, 'GENERATE_VERIFY_MAC'::text, 'KEY_AGREEMENT'::text, 'ENCAPSULATE_DECAPSULATE'::text]))),
    CONSTRAINT kms_key_origin_check CHECK ((origin = ANY (ARRAY['AWS_KMS'::text, 'EXTERNAL'::text, 'AWS_CLOUDHSM'::text, 'EXTERNAL_KEY_STORE'::text]))),
    CONSTRAINT kms_key_pending_days_check CHECK (((pending_days >= 7) AND (pending_days <= 30))),
    CONSTRAINT kms_key_primary_region_check CHECK ((primary_region ~ '^[a-z0-9-]{1,32}$'::text)),
    CONSTRAINT kms_key_region_check CHECK ((region ~ '^[a-z0-9-]{1,32}$'::text)),
    CONSTRAINT kms_key_rotation_days_check CHECK (((rotation_days >= 90) AND (rotation_days <= 2560))),
    CONSTRAINT kms_key_row_version_check CHECK ((row_version >= 0)),
    CONSTRAINT kms_key_spec_check CHECK ((spec <> ''::text)),
    CONSTRAINT kms_key_state_check CHECK ((state = ANY (ARRAY['Creating'::text, 'Enabled'::text, 'Disabled'::text, 'PendingDeletion'::text, 'PendingImport'::text, 'PendingReplicaDeletion'::text, 'Unavailable'::text, 'Updating'::text]))),
    CONSTRAINT kms_key_tags_check CHECK ((jsonb_typeof(tags) = 'object'::text))
);


--
-- Name: lease; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.lease (
    name text NOT NULL,
    holder uuid NOT NULL,
    until timestamp with time zone NOT NULL,
    CONSTRAINT lease_name_check CHECK ((name <> ''::text))
);


--
-- Name: material_set; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.material_set (
    id uuid NOT NULL,
    created timestamp with time zone NOT NULL
);


--
-- Name: principal; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.principal (
    arn text NOT NULL,
    account text NOT NULL,
    kind text NOT NULL,
    created timestamp with time zone NOT NULL,
    row_version bigint NOT NULL,
    mac bytea NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text,
    unique_id text,
    tags text,
    policies text,
    trust text,
    max_session integer,
    management boolean,
    CONSTRAINT principal_arn_check CHECK ((arn <> ''::text)),
    CONSTRAINT principal_check CHECK ((((kind = 'root'::text) = (name IS NULL)) AND ((kind = 'root'::text) = (unique_id IS NULL)))),
    CONSTRAINT principal_check1 CHECK ((((kind = 'role'::text) = (trust IS NOT NULL)) AND ((kind = 'role'::text) = (max_session IS NOT NULL)))),
    CONSTRAINT principal_check2 CHECK (((management IS NULL) OR (kind = 'root'::text))),
    CONSTRAINT principal_kind CHECK ((kind = ANY (ARRAY['root'::text, 'user'::text, 'role'::text]))),
    CONSTRAINT principal_management_check CHECK (management),
    CONSTRAINT principal_max_session_check CHECK (((max_session >= 3600) AND (max_session <= 43200))),
    CONSTRAINT principal_name_check CHECK ((name <> ''::text)),
    CONSTRAINT principal_policies_check CHECK (((policies IS NULL) OR ((policies)::json IS NOT NULL))),
    CONSTRAINT principal_row_version_check CHECK ((row_version >= 0)),
    CONSTRAINT principal_tags_check CHECK (((tags IS NULL) OR ((tags)::json IS NOT NULL)))
);


--
-- Name: refinery_schema_history; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.refinery_schema_history (
    version integer NOT NULL,
    name character varying(255),
    applied_on character varying(255),
    checksum character varying(255)
);


--
-- Data for Name: access_key; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.access_key (id, access_key_id, account, principal, created, wrapped_secret, enabled, row_version, mac) FROM stdin;
0ce3eed9-ca0d-4ec1-8f38-5f4fbe3f492e	AKIACDYS3Q5CVGNOLGEG	000000000000	arn:aws:iam::000000000000:user/ann	2026-11-28 15:49:01.16356+00	\\xd6ddb6131550eb61a42a925aa10caddb43117e63792ad780c2dc22456bd5d903940c9fb2fff54e4ecd34f15af8ee4126f1d31f91dc378fbb5c7d5f48ffc51fb0cbb61dc3	t	1	\\x5378e9d3c55192c9d6689f82be981db1091c3ae920eb10a56145ecc3ffd20997
027d9bc9-cd1d-428a-b2c0-b935045fd708	AKIA7FZ6NUD22Q65RXKA	000000000000	arn:aws:iam::000000000000:root	2026-11-28 15:48:52.912158+00	\\x2f24afdb4e3a094f986d13a35e3507a5aebc3d23ec5afd358e933f403eaf39361672b6f4257feb0dd15a14c7d2451c55ce984ac2bc22d21f7dceaf5f28d32155d982b168	t	2	\\x82161d93f6cce9e4c4db664c8bdcae561a4385a49d8f92177a5042078d57c5ed
\.


--
-- Data for Name: access_key_usage; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.access_key_usage (access_key, used, service, region) FROM stdin;
027d9bc9-cd1d-428a-b2c0-b935045fd708	2026-11-28 15:49:01.202633+00	strongroom	us-east-1
\.


--
-- Data for Name: account; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.account (id, created) FROM stdin;
000000000000	2026-11-28 15:48:52.853876+00
\.


--
-- Data for Name: alias; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.alias (id, account, region, name, created, key_id, updated, row_version, mac) FROM stdin;
659cf3e0-5592-4c1a-912c-7109c5f041b3	000000000000	us-east-1	alias/invoices	2026-11-28 15:48:55.675453+00	f85c7b37-f5c9-42ff-b424-cd2cfb235254	2026-11-28 15:48:58.124553+00	2	\\xd34b1e387e323855f8dfb50ef3dab27830f745023f9b1fa11546f9fe0bd937e9
\.


--
-- Data for Name: audit_record; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.audit_record ("position", request_id, written_at, record) FROM stdin;
1	b52b98eb-9318-4777-8be3-0ac61b56c4ae	2026-11-28 15:48:55.634646+00	\\x7b226576656e7456657273696f6e223a22312e3131222c226576656e7454696d65223a22323032362d31312d32385431353a34383a35352e3632373033333034385a222c226576656e74536f75726365223a226b6d732e616d617a6f6e6177732e636f6d222c226576656e744e616d65223a224372656174654b6579222c22617773526567696f6e223a2275732d656173742d31222c22736f75726365495041646472657373223a223132372e302e302e31222c22757365724167656e74223a22426f746f332f312e34342e35206d642f426f746f636f726523312e34342e382075612f322e31206f732f6c696e757823362e31382e34342d66632d76363639206d642f61726368237838365f3634206c616e672f707974686f6e23332e31312e37206d642f7079696d706c2343507974686f6e206d2f4e2c452c672c622c5a206366672f72657472792d6d6f6465237374616e6461726420426f746f636f72652f312e34342e38222c22757365724964656e74697479223a7b2274797065223a22526f6f74222c227072696e636970616c4964223a22303030303030303030303030222c226163636f756e744964223a22303030303030303030303030222c2261726e223a2261726e3a6177733a69616d3a3a3030303030303030303030303a726f6f74222c226163636573734b65794964223a22414b494137465a364e5544323251363552584b41227d2c2272657175657374506172616d6574657273223a7b226465736372697074696f6e223a22696e766f69636573227d2c22726573706f6e7365456c656d656e7473223a7b224b65794d65746164617461223a7b224157534163636f756e744964223a22303030303030303030303030222c2241726e223a2261726e3a6177733a6b6d733a75732d656173742d313a3030303030303030303030303a6b65792f66383563376233372d663563392d343266662d623432342d636432636662323335323534222c224372656174696f6e44617465223a313739353838303933352e3631312c2243757272656e744b65794d6174657269616c4964223a2239363463366336323066633761636166393038363361356236313735336436323761323463353934626338323935613665393930323262343063623732336338222c22437573746f6d65724d61737465724b657953706563223a2253594d4d45545249435f44454641554c54222c224465736372697074696f6e223a22696e766f69636573222c22456e61626c6564223a747275652c22456e6372797074696f6e416c676f726974686d73223a5b2253594d4d45545249435f44454641554c54225d2c224b65794964223a2266383563376233372d663563392d343266662d623432342d636432636662323335323534222c224b65794d616e61676572223a22435553544f4d4552222c224b657953706563223a2253594d4d45545249435f44454641554c54222c224b65795374617465223a22456e61626c6564222c224b65795573616765223a22454e43525950545f44454352595054222c224d756c7469526567696f6e223a66616c73652c224f726967696e223a224157535f4b4d53227d7d2c22726571756573744944223a2262353262393865622d393331382d343737372d386265332d306163363162353663346165222c226576656e744944223a2265363564303437632d333261322d383638342d623035652d653866636163306634303363222c22726561644f6e6c79223a66616c73652c227265736f7572636573223a5b5d2c226576656e7454797065223a2241777341706943616c6c222c22726563697069656e744163636f756e744964223a22303030303030303030303030227d
2	5985049b-4326-4890-98ab-e7f6c49932b1	2026-11-28 15:48:55.677297+00	\\x7b226576656e7456657273696f6e223a22312e3131222c226576656e7454696d65223a22323032362d31312d32385431353a34383a35352e3637363938353733365a222c226576656e74536f75726365223a226b6d732e616d617a6f6e6177732e636f6d222c226576656e744e616d65223a22437265617465416c696173222c22617773526567696f6e223a2275732d656173742d31222c22736f75726365495041646472657373223a223132372e302e302e31222c22757365724167656e74223a22426f746f332f312e34342e35206d642f426f746f636f726523312e34342e382075612f322e31206f732f6c696e757823362e31382e34342d66632d76363639206d642f61726368237838365f3634206c616e672f707974686f6e23332e31312e37206d642f7079696d706c2343507974686f6e206d2f4e2c452c672c622c5a206366672f72657472792d6d6f6465237374616e6461726420426f746f636f72652f312e34342e38222c22757365724964656e74697479223a7b2274797065223a22526f6f74222c227072696e636970616c4964223a22303030303030303030303030222c226163636f756e744964223a22303030303030303030303030222c2261726e223a2261726e3a6177733a69616d3a3a3030303030303030303030303a726f6f74222c226163636573734b65794964223a22414b494137465a364e5544323251363552584b41227d2c2272657175657374506172616d6574657273223a7b22616c6961734e616d65223a22616c6961732f696e766f69636573222c227461726765744b65794964223a2266383563376233372d663563392d343266662d623432342d636432636662323335323534227d2c22726573706f6e7365456c656d656e7473223a6e756c6c2c22726571756573744944223a2235393835303439622d343332362d343839302d393861622d653766366334393933326231222c226576656e744944223a2237666434343364392d353632302d386530612d393335372d323465363563663161653635222c22726561644f6e6c79223a66616c73652c227265736f7572636573223a5b7b2241524e223a2261726e3a6177733a6b6d733a75732d656173742d313a3030303030303030303030303a6b65792f66383563376233372d663563392d343266662d623432342d636432636662323335323534222c2274797065223a224157533a3a4b4d533a3a4b6579227d5d2c226576656e7454797065223a2241777341706943616c6c222c22726563697069656e744163636f756e744964223a22303030303030303030303030227d
3	30825371-8cf8-4fe4-bea2-af8a4b4ee526	2026-11-28 15:48:55.707523+00	\\x7b226576656e7456657273696f6e223a22312e3131222c226576656e7454696d65223a22323032362d31312d32385431353a34383a35352e3730333335363733385a222c226576656e74536f75726365223a226b6d732e616d617a6f6e6177732e636f6d222c226576656e744e616d65223a22456e6372797074222c22617773526567696f6e223a2275732d656173742d31222c22736f75726365495041646472657373223a223132372e302e302e31222c22757365724167656e74223a22426f746f332f312e34342e35206d642f426f746f636f726523312e34342e382075612f322e31206f732f6c696e757823362e31382e34342d66632d76363639206d642f61726368237838365f3634206c616e672f707974686f6e23332e31312e37206d642f7079696d706c2343507974686f6e206d2f4e2c452c672c622c5a206366672f72657472792d6d6f6465237374616e6461726420426f746f636f72652f312e34342e38222c22757365724964656e74697479223a7b2274797065223a22526f6f74222c227072696e636970616c4964223a22303030303030303030303030222c226163636f756e744964223a22303030303030303030303030222c2261726e223a2261726e3a6177733a69616d3a3a3030303030303030303030303a726f6f74222c226163636573734b65794964223a22414b494137465a364e5544323251363552584b41227d2c2272657175657374506172616d6574657273223a7b22656e6372797074696f6e436f6e74657874223a7b22707572706f7365223a2275706772616465227d2c226b65794964223a2266383563376233372d663563392d343266662d623432342d636432636662323335323534227d2c22726573706f6e7365456c656d656e7473223a6e756c6c2c22726571756573744944223a2233303832353337312d386366382d346665342d626561322d616638613462346565353236222c226576656e744944223a2234636262343338392d346133642d386233342d393037372d356464363561643466336264222c22726561644f6e6c79223a747275652c227265736f7572636573223a5b7b2241524e223a2261726e3a6177733a6b6d733a75732d656173742d313a3030303030303030303030303a6b65792f66383563376233372d663563392d343266662d623432342d636432636662323335323534222c2274797065223a224157533a3a4b4d533a3a4b6579227d5d2c226576656e7454797065223a2241777341706943616c6c222c22726563697069656e744163636f756e744964223a22303030303030303030303030227d
\.


--
-- Data for Name: deployment; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.deployment (id, created, only_one, usage_since) FROM stdin;
63935ee5-3f25-4372-9059-fa092984ce0a	2026-11-28 15:48:52.457778+00	t	2026-11-28 15:48:52.457778+00
\.


--
-- Data for Name: gcm_reservation; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.gcm_reservation (version, reserved) FROM stdin;
f458daa3-3752-4f4d-bc0e-9c975499760d	1024
2378ad6f-62c4-4345-9820-4a6231fab4f1	1024
bba59b83-4943-39a3-3990-b4e86f8ccebe	1024
\.


--
-- Data for Name: intent; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.intent (version, kind, created, owner, lease_until, taken_over, mac, token_serial, object_id, is_pair) FROM stdin;
aefaab00-ed59-4a82-943e-77eb35faa01c	create	2026-11-28 15:48:58.62185+00	00000000-0000-0000-0000-000000000000	2026-11-29 15:50:58.62185+00	f	\\xb17acbab9b5710a2810bdffe0f5ec742174aa8d20b3b026502a4c94b2517eb39	5378506957f5fb8d	\N	\N
\.


--
-- Data for Name: key_store; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.key_store (id, account, region, key_store_id, certificate, created, name, cluster, wrapped_password, password_tried, state, error, connection, connector, token_serial, row_version, mac, connecting_until) FROM stdin;
\.


--
-- Data for Name: key_usage; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.key_usage (key, operation, used, request_id) FROM stdin;
272f6c96-66fb-49c0-bcb6-c2022b5c2a94	Verify	2026-11-28 15:48:56.242814+00	d0af3192-de6a-43d9-a0d9-4fb64760bb96
37b26cbc-ef3e-4d11-adb7-2c8129a74373	Encrypt	2026-11-28 15:48:57.467128+00	6fea8aca-5ee7-4fed-8d5b-98c558d4f628
4709b54f-cf54-4138-83a2-04262bb48297	GenerateMac	2026-11-28 15:48:56.422246+00	f95c3813-0c9c-4acb-a699-555a56252276
69ad421e-8dc6-416c-a550-9cbf1aaa1615	GenerateDataKey	2026-11-28 15:48:55.949323+00	9c824117-d2fe-4e18-8678-ae74573fbf00
\.


--
-- Data for Name: key_version; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.key_version (id, material_set, number, spec, token_serial, public_key, birth, created, row_version, mac, state, valid_to, description, rotation, rotated, verifier, object_id) FROM stdin;
f458daa3-3752-4f4d-bc0e-9c975499760d	14c0d7d9-7437-4881-bca5-bb24a2af1742	1	SYMMETRIC_DEFAULT	5378506957f5fb8d	\N	{"always_sensitive":true,"check_value":[102,14,47],"key_gen_mechanism":"CKM_AES_KEY_GEN","local":true,"never_extractable":true,"public_key":null,"token_serial":"5378506957f5fb8d"}	2026-11-28 15:48:55.611177+00	1	\\x77cea3c9a307d1743659ed8ed37306c978beacf2883c2501179d5137bf6d0dfa	Enabled	\N	\N	\N	\N	\N	\N
2378ad6f-62c4-4345-9820-4a6231fab4f1	14c0d7d9-7437-4881-bca5-bb24a2af1742	2	SYMMETRIC_DEFAULT	5378506957f5fb8d	\N	{"always_sensitive":true,"check_value":[138,0,177],"key_gen_mechanism":"CKM_AES_KEY_GEN","local":true,"never_extractable":true,"public_key":null,"token_serial":"5378506957f5fb8d"}	2026-11-28 15:48:55.86785+00	1	\\x845bcc4924d6830d9aa380735251a8621b0240dc0c3057d87d8a79da37184df6	Enabled	\N	\N	ON_DEMAND	2026-11-28 15:48:55.86785+00	\N	\N
eda37b31-041c-4290-b413-5537c554d346	a70eb33f-346b-4e79-8cd7-6c33b19456b9	1	ECC_NIST_P256	5378506957f5fb8d	\\x3059301306072a8648ce3d020106082a8648ce3d0301070342000490035eafbdd38cc706225b0e6ad38db00519c9b350df92e54d68e7836422b5cb3bd45f9e79c61ac524a1edbbde28b2ea9d2aa36cb7b2e62aee553a18d2513538	{"always_sensitive":true,"check_value":null,"key_gen_mechanism":"CKM_EC_KEY_PAIR_GEN","local":true,"never_extractable":true,"public_key":[48,89,48,19,6,7,42,134,72,206,61,2,1,6,8,42,134,72,206,61,3,1,7,3,66,0,4,144,3,94,175,189,211,140,199,6,34,91,14,106,211,141,176,5,25,201,179,80,223,146,229,77,104,231,131,100,34,181,203,59,212,95,158,121,198,26,197,36,161,237,187,222,40,178,234,157,42,163,108,183,178,230,42,238,85,58,24,210,81,53,56],"token_serial":"5378506957f5fb8d"}	2026-11-28 15:48:56.186797+00	1	\\x40354a6d4570de7be3c086c5de7cb7c39b2912d1829ced26438337c1c8146d53	Enabled	\N	\N	\N	\N	\N	\N
50900553-4dcf-4ff1-a44e-70fd4c6e104f	0d962610-4e46-492e-9205-31a3ee040087	1	HMAC_256	5378506957f5fb8d	\N	{"always_sensitive":true,"check_value":[171,90,135],"key_gen_mechanism":"CKM_GENERIC_SECRET_KEY_GEN","local":true,"never_extractable":true,"public_key":null,"token_serial":"5378506957f5fb8d"}	2026-11-28 15:48:56.371925+00	1	\\xc154de3c5a9895680b822c108c63080fe0de61cf2d7c0cdf2d55ea70557c1b30	Enabled	\N	\N	\N	\N	\N	\N
d6de6205-d3ae-4969-9c5f-963f8d3cf24c	0629f612-3327-4b41-bf78-2e4daed47f11	1	RSA_2048	5378506957f5fb8d	\\x30820122300d06092a864886f70d01010105000382010f003082010a0282010100f1da74e5c2b91021e02ea42b9ce59629eccd11a1b39004ef1133ab233a9d55a26ce846d64e10e3b89d25c7a5440bbde43580cd3712c0f5ddfc92084c0fbf29d9c29c0db1e55a1d909aec68f3a062b028539cc8dca7c2666a09f03f9ccc9f739ebcec4af2819731a8a05a64193c949d5dbca7e7fa4d402d66c43cccc26ba64326b04b0e880b367aa15586a948d4001329e605c703ecc7e357c900be202748c178a5566649fa92a677ab44c295232e0a6357a3f74f397c2db35dcd1a55681e63cd2be5ca1ba98a45298ebd546e0ac99b146ed2b97300387d1852ca683ec1090a45f8d63a7618946e0e7ff00730f029a59c2f4bbe2b1f54f0fe7cc77c7e0e38c1730203010001	{"always_sensitive":true,"check_value":null,"key_gen_mechanism":"CKM_RSA_PKCS_KEY_PAIR_GEN","local":true,"never_extractable":true,"public_key":[48,130,1,34,48,13,6,9,42,134,72,134,247,13,1,1,1,5,0,3,130,1,15,0,48,130,1,10,2,130,1,1,0,241,218,116,229,194,185,16,33,224,46,164,43,156,229,150,41,236,205,17,161,179,144,4,239,17,51,171,35,58,157,85,162,108,232,70,214,78,16,227,184,157,37,199,165,68,11,189,228,53,128,205,55,18,192,245,221,252,146,8,76,15,191,41,217,194,156,13,177,229,90,29,144,154,236,104,243,160,98,176,40,83,156,200,220,167,194,102,106,9,240,63,156,204,159,115,158,188,236,74,242,129,151,49,168,160,90,100,25,60,148,157,93,188,167,231,250,77,64,45,102,196,60,204,194,107,166,67,38,176,75,14,136,11,54,122,161,85,134,169,72,212,0,19,41,230,5,199,3,236,199,227,87,201,0,190,32,39,72,193,120,165,86,102,73,250,146,166,119,171,68,194,149,35,46,10,99,87,163,247,79,57,124,45,179,93,205,26,85,104,30,99,205,43,229,202,27,169,138,69,41,142,189,84,110,10,201,155,20,110,210,185,115,0,56,125,24,82,202,104,62,193,9,10,69,248,214,58,118,24,148,110,14,127,240,7,48,240,41,165,156,47,75,190,43,31,84,240,254,124,199,124,126,14,56,193,115,2,3,1,0,1],"token_serial":"5378506957f5fb8d"}	2026-11-28 15:48:57.438165+00	1	\\xf3e87ce5a6460fa7b2f0123934a8a632ab74e0e11415d2920462b7a8f505923a	Enabled	\N	\N	\N	\N	\N	\N
02f23e50-904f-48ff-b90a-c4dae42e43ea	4ba3803c-06fc-412c-adf6-cd97247dd76d	1	SYMMETRIC_DEFAULT	5378506957f5fb8d	\N	{"always_sensitive":true,"check_value":[233,69,195],"key_gen_mechanism":"CKM_AES_KEY_GEN","local":true,"never_extractable":true,"public_key":null,"token_serial":"5378506957f5fb8d"}	2026-11-28 15:48:57.52524+00	1	\\x01836a901e9425e56b35f931fc3cfe6a5b66714f005ff78094f56ff102f789d2	Enabled	\N	\N	\N	\N	\N	\N
1fb2aeea-782b-413d-83be-accf3765e02a	3c6a9db0-7e11-4f67-9da6-384dd81c7bc4	1	SYMMETRIC_DEFAULT	5378506957f5fb8d	\N	{"always_sensitive":true,"check_value":[155,95,139],"key_gen_mechanism":"CKM_AES_KEY_GEN","local":true,"never_extractable":true,"public_key":null,"token_serial":"5378506957f5fb8d"}	2026-11-28 15:48:57.603606+00	1	\\x3bd7105b67a8b9ba12d454852bd2d6cec6b0dd25f6d1af4a4ba431bfddf89ef7	Enabled	\N	\N	\N	\N	\N	\N
9f398f16-d8a1-4a16-9a15-0ecf8550b3f8	fdb15c6f-b3de-4986-ac36-d5f10a31c328	1	SYMMETRIC_DEFAULT		\N	{"imported":false}	2026-11-28 15:48:57.72589+00	1	\\x5388b657707ccfd76a33e64758462de68d25ea96633a554f994b0b9b771ea7fe	PendingImport	\N	\N	\N	\N	\N	\N
48abf0d1-fda3-4271-a549-b30638592602	441514c8-3b8a-41ac-9fc9-fc03925f524d	1	SYMMETRIC_DEFAULT	5378506957f5fb8d	\N	{"always_sensitive":true,"check_value":[171,50,126],"key_gen_mechanism":"CKM_AES_KEY_GEN","local":true,"never_extractable":true,"public_key":null,"token_serial":"5378506957f5fb8d"}	2026-11-28 15:48:57.863637+00	1	\\x4b1728342bd159c468702a562f1b2861340747b1be55d853720de816a649635e	Enabled	\N	\N	\N	\N	\N	\N
\.


--
-- Data for Name: kms_grant; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.kms_grant (id, key, grant_id, account, region, key_id, name, grantee, retiring, issuer, operations, constraints, created, row_version, mac) FROM stdin;
43ca9b37-ca2b-4e6b-a423-7c6929c28c97	69ad421e-8dc6-416c-a550-9cbf1aaa1615	f4b09fc12f0c234e78bd03d2efe09d602e0583ed385baf260ae8b2a117001152	000000000000	us-east-1	f85c7b37-f5c9-42ff-b424-cd2cfb235254	\N	arn:aws:iam::000000000000:root	\N	000000000000	{Decrypt}	\N	2026-11-28 15:48:56.016506+00	1	\\x0c25b75d96dd1c101cac53da5f596e31c4b8459e6727ce644bebc3d32f5ccbd6
\.


--
-- Data for Name: kms_key; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.kms_key (id, account, region, key_id, spec, key_usage, origin, multi_region, material_set, created, state, description, policy, tags, deletion, current_version, row_version, mac, key_store, primary_region, rotation_days, next_rotation, pending_days) FROM stdin;
69ad421e-8dc6-416c-a550-9cbf1aaa1615	000000000000	us-east-1	f85c7b37-f5c9-42ff-b424-cd2cfb235254	SYMMETRIC_DEFAULT	ENCRYPT_DECRYPT	AWS_KMS	f	14c0d7d9-7437-4881-bca5-bb24a2af1742	2026-11-28 15:48:55.611177+00	Enabled	invoices	{\n  "Version" : "2012-10-17",\n  "Id" : "key-default-1",\n  "Statement" : [ {\n    "Sid" : "Enable IAM User Permissions",\n    "Effect" : "Allow",\n    "Principal" : {\n      "AWS" : "arn:aws:iam::000000000000:root"\n    },\n    "Action" : "kms:*",\n    "Resource" : "*"\n  } ]\n}	{"team": "billing"}	\N	2378ad6f-62c4-4345-9820-4a6231fab4f1	4	\\x1f5cf34e0c81dd7cda24e12c0b036fdd9baf43377a8c1287c872dbf7b47ac83e	\N	\N	365	2027-11-28 15:48:55.974773+00	\N
272f6c96-66fb-49c0-bcb6-c2022b5c2a94	000000000000	us-east-1	91376998-18f5-4dbf-969c-6246aacf1214	ECC_NIST_P256	SIGN_VERIFY	AWS_KMS	f	a70eb33f-346b-4e79-8cd7-6c33b19456b9	2026-11-28 15:48:56.186797+00	Enabled		{\n  "Version" : "2012-10-17",\n  "Id" : "key-default-1",\n  "Statement" : [ {\n    "Sid" : "Enable IAM User Permissions",\n    "Effect" : "Allow",\n    "Principal" : {\n      "AWS" : "arn:aws:iam::000000000000:root"\n    },\n    "Action" : "kms:*",\n    "Resource" : "*"\n  } ]\n}	{}	\N	eda37b31-041c-4290-b413-5537c554d346	1	\\xfb4f189b052a4701616e52ae4b39a46555f235b486fb9a11fa8fc34e91ece12b	\N	\N	\N	\N	\N
4709b54f-cf54-4138-83a2-04262bb48297	000000000000	us-east-1	5c62e971-4f42-43a3-9f3c-fd6abc3f2070	HMAC_256	GENERATE_VERIFY_MAC	AWS_KMS	f	0d962610-4e46-492e-9205-31a3ee040087	2026-11-28 15:48:56.371925+00	Enabled		{\n  "Version" : "2012-10-17",\n  "Id" : "key-default-1",\n  "Statement" : [ {\n    "Sid" : "Enable IAM User Permissions",\n    "Effect" : "Allow",\n    "Principal" : {\n      "AWS" : "arn:aws:iam::000000000000:root"\n    },\n    "Action" : "kms:*",\n    "Resource" : "*"\n  } ]\n}	{}	\N	50900553-4dcf-4ff1-a44e-70fd4c6e104f	1	\\x1f2d6fc7f8befc5bd9502d77e8fef4398fbfba4575e5ccd31b1b84f9e031580c	\N	\N	\N	\N	\N
37b26cbc-ef3e-4d11-adb7-2c8129a74373	000000000000	us-east-1	f461262e-dca6-4f22-8490-4fd935af5411	RSA_2048	ENCRYPT_DECRYPT	AWS_KMS	f	0629f612-3327-4b41-bf78-2e4daed47f11	2026-11-28 15:48:57.438165+00	Enabled		{\n  "Version" : "2012-10-17",\n  "Id" : "key-default-1",\n  "Statement" : [ {\n    "Sid" : "Enable IAM User Permissions",\n    "Effect" : "Allow",\n    "Principal" : {\n      "AWS" : "arn:aws:iam::000000000000:root"\n    },\n    "Action" : "kms:*",\n    "Resource" : "*"\n  } ]\n}	{}	\N	d6de6205-d3ae-4969-9c5f-963f8d3cf24c	1	\\x078241e5aff855cfce9af6e8949c882fb8fda198820f84bd946e0a44c6f33eca	\N	\N	\N	\N	\N
0fad3c11-b793-4169-aa27-72bac53d2e23	000000000000	us-east-1	mrk-119c42af531c434ca79d369fcdd56c95	SYMMETRIC_DEFAULT	ENCRYPT_DECRYPT	AWS_KMS	t	4ba3803c-06fc-412c-adf6-cd97247dd76d	2026-11-28 15:48:57.52524+00	Enabled		{\n  "Version" : "2012-10-17",\n  "Id" : "key-default-1",\n  "Statement" : [ {\n    "Sid" : "Enable IAM User Permissions",\n    "Effect" : "Allow",\n    "Principal" : {\n      "AWS" : "arn:aws:iam::000000000000:root"\n    },\n    "Action" : "kms:*",\n    "Resource" : "*"\n  } ]\n}	{}	\N	02f23e50-904f-48ff-b90a-c4dae42e43ea	2	\\xd8eb7800a3faebb26870031cdbfef2b1579d1d6b6cb439242cce18ef42dcd6c2	\N	us-east-1	\N	\N	\N
210aef75-18bc-4295-a2af-df930e01edf7	000000000000	eu-west-1	mrk-119c42af531c434ca79d369fcdd56c95	SYMMETRIC_DEFAULT	ENCRYPT_DECRYPT	AWS_KMS	t	4ba3803c-06fc-412c-adf6-cd97247dd76d	2026-11-28 15:48:57.558915+00	Enabled		{\n  "Version" : "2012-10-17",\n  "Id" : "key-default-1",\n  "Statement" : [ {\n    "Sid" : "Enable IAM User Permissions",\n    "Effect" : "Allow",\n    "Principal" : {\n      "AWS" : "arn:aws:iam::000000000000:root"\n    },\n    "Action" : "kms:*",\n    "Resource" : "*"\n  } ]\n}	{}	\N	02f23e50-904f-48ff-b90a-c4dae42e43ea	1	\\x6405d22c69c585ac239eb43c7c69aa78df4b71bb0f8c7825a6e37137b3a978ba	\N	us-east-1	\N	\N	\N
e9664421-cf0c-4651-b314-f3783d114845	000000000000	us-east-1	d5475f5e-8a4a-49fa-9f35-d8a24f741f92	SYMMETRIC_DEFAULT	ENCRYPT_DECRYPT	AWS_KMS	f	3c6a9db0-7e11-4f67-9da6-384dd81c7bc4	2026-11-28 15:48:57.603606+00	Disabled	off	{\n  "Version" : "2012-10-17",\n  "Id" : "key-default-1",\n  "Statement" : [ {\n    "Sid" : "Enable IAM User Permissions",\n    "Effect" : "Allow",\n    "Principal" : {\n      "AWS" : "arn:aws:iam::000000000000:root"\n    },\n    "Action" : "kms:*",\n    "Resource" : "*"\n  } ]\n}	{}	\N	1fb2aeea-782b-413d-83be-accf3765e02a	4	\\x35ccc237324931841d86f382ec84d9f83d0c2af1677d2bb7a7265ea20b93fb01	\N	\N	\N	\N	\N
1158078b-5d5f-45ba-a601-abfae86d2754	000000000000	us-east-1	f8279734-d8fd-4d06-ac74-e7fe01f3cc0d	SYMMETRIC_DEFAULT	ENCRYPT_DECRYPT	EXTERNAL	f	fdb15c6f-b3de-4986-ac36-d5f10a31c328	2026-11-28 15:48:57.72589+00	PendingImport		{\n  "Version" : "2012-10-17",\n  "Id" : "key-default-1",\n  "Statement" : [ {\n    "Sid" : "Enable IAM User Permissions",\n    "Effect" : "Allow",\n    "Principal" : {\n      "AWS" : "arn:aws:iam::000000000000:root"\n    },\n    "Action" : "kms:*",\n    "Resource" : "*"\n  } ]\n}	{}	\N	9f398f16-d8a1-4a16-9a15-0ecf8550b3f8	1	\\x61309e382911e4bb4144bfa1084ecb4e661fdb02aeaebec8a406e5d69e8c30a2	\N	\N	\N	\N	\N
52ba0a8e-5487-4acb-87a5-69109ab11ced	000000000000	us-east-1	a58bce22-c5c6-4a80-b67b-15a0c69d5516	SYMMETRIC_DEFAULT	ENCRYPT_DECRYPT	AWS_KMS	f	441514c8-3b8a-41ac-9fc9-fc03925f524d	2026-11-28 15:48:57.863637+00	Enabled	kept	{\n  "Version" : "2012-10-17",\n  "Id" : "key-default-1",\n  "Statement" : [ {\n    "Sid" : "Enable IAM User Permissions",\n    "Effect" : "Allow",\n    "Principal" : {\n      "AWS" : "arn:aws:iam::000000000000:root"\n    },\n    "Action" : "kms:*",\n    "Resource" : "*"\n  } ]\n}	{}	\N	48abf0d1-fda3-4271-a549-b30638592602	7	\\x324bc992ce0e53bfaadb4b385931bbaafbc91470b3d2637fc3694bba007beabb	\N	\N	\N	\N	\N
\.


--
-- Data for Name: lease; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.lease (name, holder, until) FROM stdin;
\.


--
-- Data for Name: material_set; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.material_set (id, created) FROM stdin;
14c0d7d9-7437-4881-bca5-bb24a2af1742	2026-11-28 15:48:55.611177+00
a70eb33f-346b-4e79-8cd7-6c33b19456b9	2026-11-28 15:48:56.186797+00
0d962610-4e46-492e-9205-31a3ee040087	2026-11-28 15:48:56.371925+00
0629f612-3327-4b41-bf78-2e4daed47f11	2026-11-28 15:48:57.438165+00
4ba3803c-06fc-412c-adf6-cd97247dd76d	2026-11-28 15:48:57.52524+00
3c6a9db0-7e11-4f67-9da6-384dd81c7bc4	2026-11-28 15:48:57.603606+00
fdb15c6f-b3de-4986-ac36-d5f10a31c328	2026-11-28 15:48:57.72589+00
441514c8-3b8a-41ac-9fc9-fc03925f524d	2026-11-28 15:48:57.863637+00
\.


--
-- Data for Name: principal; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.principal (arn, account, kind, created, row_version, mac, id, name, unique_id, tags, policies, trust, max_session, management) FROM stdin;
arn:aws:iam::000000000000:root	000000000000	root	2026-11-28 15:48:52.853876+00	2	\\x96d9620d21f78463855302de074db4a0c105ef05539b7bca362e20e9f812e1f7	f742b74b-80f3-4b43-92f6-3f67420c892c	\N	\N	\N	\N	\N	\N	t
arn:aws:iam::000000000000:user/ann	000000000000	user	2026-11-28 15:49:01.031582+00	1	\\x8b68e808900c15be6407001d2f64074f6abe513f960589b579cbdb688c42f34e	caa1eba0-ce83-4d5a-9f37-8e49151264c8	ann	AIDAVH5SDSS6Q3KIL3IJP	\N	\N	\N	\N	\N
\.


--
-- Data for Name: refinery_schema_history; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.refinery_schema_history (version, name, applied_on, checksum) FROM stdin;
1	foundation	2026-11-28T15:48:52.079887388Z	7064732408954677360
2	key_versions_that_change	2026-11-28T15:48:52.246643252Z	13920459946761090022
3	key_stores	2026-11-28T15:48:52.266804158Z	9423642936267605855
4	rotation_by_the_worker	2026-11-28T15:48:52.300429994Z	6253451305469586732
5	grants_and_usage	2026-11-28T15:48:52.33862947Z	3542794446119565365
6	adopted_objects	2026-11-28T15:48:52.394638426Z	5050790785065850802
7	identities	2026-11-28T15:48:52.398470277Z	1176365781722716963
8	access_key_usage	2026-11-28T15:48:52.440265032Z	76971507311379173
\.


--
-- Name: audit_record_position_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.audit_record_position_seq', 49, true);


--
-- Name: access_key access_key_access_key_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.access_key
    ADD CONSTRAINT access_key_access_key_id_key UNIQUE (access_key_id);


--
-- Name: access_key access_key_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.access_key
    ADD CONSTRAINT access_key_pkey PRIMARY KEY (id);


--
-- Name: access_key_usage access_key_usage_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.access_key_usage
    ADD CONSTRAINT access_key_usage_pkey PRIMARY KEY (access_key);


--
-- Name: account account_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);


--
-- Name: alias alias_account_region_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.alias
    ADD CONSTRAINT alias_account_region_name_key UNIQUE (account, region, name);


--
-- Name: alias alias_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.alias
    ADD CONSTRAINT alias_pkey PRIMARY KEY (id);


--
-- Name: audit_record audit_record_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_record
    ADD CONSTRAINT audit_record_pkey PRIMARY KEY ("position");


--
-- Name: deployment deployment_only_one_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_only_one_key UNIQUE (only_one);


--
-- Name: deployment deployment_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_pkey PRIMARY KEY (id);


--
-- Name: gcm_reservation gcm_reservation_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.gcm_reservation
    ADD CONSTRAINT gcm_reservation_pkey PRIMARY KEY (version);


--
-- Name: intent intent_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.intent
    ADD CONSTRAINT intent_pkey PRIMARY KEY (version);


--
-- Name: key_store key_store_cluster; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_store
    ADD CONSTRAINT key_store_cluster UNIQUE (cluster);


--
-- Name: key_store key_store_key_store_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_store
    ADD CONSTRAINT key_store_key_store_id_key UNIQUE (key_store_id);


--
-- Name: key_store key_store_name; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_store
    ADD CONSTRAINT key_store_name UNIQUE (account, region, name);


--
-- Name: key_store key_store_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_store
    ADD CONSTRAINT key_store_pkey PRIMARY KEY (id);


--
-- Name: key_usage key_usage_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_usage
    ADD CONSTRAINT key_usage_pkey PRIMARY KEY (key);


--
-- Name: key_version key_version_material_set_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_version
    ADD CONSTRAINT key_version_material_set_id_key UNIQUE (material_set, id);


--
-- Name: key_version key_version_material_set_number_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_version
    ADD CONSTRAINT key_version_material_set_number_key UNIQUE (material_set, number);


--
-- Name: key_version key_version_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_version
    ADD CONSTRAINT key_version_pkey PRIMARY KEY (id);


--
-- Name: kms_grant kms_grant_key_grant_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kms_grant
    ADD CONSTRAINT kms_grant_key_grant_id_key UNIQUE (key, grant_id);


--
-- Name: kms_grant kms_grant_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kms_grant
    ADD CONSTRAINT kms_grant_pkey PRIMARY KEY (id);


--
-- Name: kms_key kms_key_account_region_key_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kms_key
    ADD CONSTRAINT kms_key_account_region_key_id_key UNIQUE (account, region, key_id);


--
-- Name: kms_key kms_key_material_set_region_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kms_key
    ADD CONSTRAINT kms_key_material_set_region_key UNIQUE (material_set, region);


--
-- Name: kms_key kms_key_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kms_key
    ADD CONSTRAINT kms_key_pkey PRIMARY KEY (id);


--
-- Name: lease lease_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.lease
    ADD CONSTRAINT lease_pkey PRIMARY KEY (name);


--
-- Name: material_set material_set_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.material_set
    ADD CONSTRAINT material_set_pkey PRIMARY KEY (id);


--
-- Name: principal principal_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.principal
    ADD CONSTRAINT principal_id_key UNIQUE (id);


--
-- Name: principal principal_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.principal
    ADD CONSTRAINT principal_pkey PRIMARY KEY (arn);


--
-- Name: principal principal_unique_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.principal
    ADD CONSTRAINT principal_unique_id_key UNIQUE (unique_id);


--
-- Name: refinery_schema_history refinery_schema_history_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.refinery_schema_history
    ADD CONSTRAINT refinery_schema_history_pkey PRIMARY KEY (version);


--
-- Name: access_key_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX access_key_account ON public.access_key USING btree (account);


--
-- Name: access_key_principal; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX access_key_principal ON public.access_key USING btree (principal);


--
-- Name: alias_target; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX alias_target ON public.alias USING btree (account, region, key_id, name);


--
-- Name: gcm_reservation_worn; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX gcm_reservation_worn ON public.gcm_reservation USING btree (version) WHERE (reserved >= '2147483648'::bigint);


--
-- Name: intent_lease; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX intent_lease ON public.intent USING btree (lease_until);


--
-- Name: key_version_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX key_version_expiry ON public.key_version USING btree (valid_to) WHERE (valid_to IS NOT NULL);


--
-- Name: key_version_object; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX key_version_object ON public.key_version USING btree (token_serial, object_id) WHERE (object_id IS NOT NULL);


--
-- Name: kms_grant_grantee; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX kms_grant_grantee ON public.kms_grant USING btree (key, grantee, grant_id);


--
-- Name: kms_grant_name; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX kms_grant_name ON public.kms_grant USING btree (key, name) WHERE (name IS NOT NULL);


--
-- Name: kms_grant_retiring; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX kms_grant_retiring ON public.kms_grant USING btree (region, retiring, grant_id) WHERE (retiring IS NOT NULL);


--
-- Name: kms_key_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX kms_key_due ON public.kms_key USING btree (deletion) WHERE (state = 'PendingDeletion'::text);


--
-- Name: kms_key_of_store; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX kms_key_of_store ON public.kms_key USING btree (key_store) WHERE (key_store IS NOT NULL);


--
-- Name: kms_key_rotation; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX kms_key_rotation ON public.kms_key USING btree (next_rotation) WHERE ((next_rotation IS NOT NULL) AND (state = 'Enabled'::text) AND ((primary_region IS NULL) OR (primary_region = region)));


--
-- Name: principal_management; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX principal_management ON public.principal USING btree (management) WHERE management;


--
-- Name: principal_name; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX principal_name ON public.principal USING btree (account, kind, lower(name));


--
-- Name: audit_record append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_record FOR EACH STATEMENT EXECUTE FUNCTION public.audit_record_is_append_only();


--
-- Name: access_key access_key_account_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.access_key
    ADD CONSTRAINT access_key_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);


--
-- Name: access_key access_key_principal_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.access_key
    ADD CONSTRAINT access_key_principal_fkey FOREIGN KEY (principal) REFERENCES public.principal(arn);


--
-- Name: access_key_usage access_key_usage_access_key_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.access_key_usage
    ADD CONSTRAINT access_key_usage_access_key_fkey FOREIGN KEY (access_key) REFERENCES public.access_key(id) ON DELETE CASCADE;


--
-- Name: alias alias_account_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.alias
    ADD CONSTRAINT alias_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);


--
-- Name: alias alias_account_region_key_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.alias
    ADD CONSTRAINT alias_account_region_key_id_fkey FOREIGN KEY (account, region, key_id) REFERENCES public.kms_key(account, region, key_id);


--
-- Name: key_store key_store_account_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_store
    ADD CONSTRAINT key_store_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);


--
-- Name: key_usage key_usage_key_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_usage
    ADD CONSTRAINT key_usage_key_fkey FOREIGN KEY (key) REFERENCES public.kms_key(id) ON DELETE CASCADE;


--
-- Name: key_version key_version_material_set_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_version
    ADD CONSTRAINT key_version_material_set_fkey FOREIGN KEY (material_set) REFERENCES public.material_set(id);


--
-- Name: kms_grant kms_grant_account_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kms_grant
    ADD CONSTRAINT kms_grant_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);


--
-- Name: kms_grant kms_grant_issuer_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kms_grant
    ADD CONSTRAINT kms_grant_issuer_fkey FOREIGN KEY (issuer) REFERENCES public.account(id);


--
-- Name: kms_grant kms_grant_key_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kms_grant
    ADD CONSTRAINT kms_grant_key_fkey FOREIGN KEY (key) REFERENCES public.kms_key(id) ON DELETE CASCADE;


--
-- Name: kms_key kms_key_account_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kms_key
    ADD CONSTRAINT kms_key_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);


--
-- Name: kms_key kms_key_key_store_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kms_key
    ADD CONSTRAINT kms_key_key_store_fkey FOREIGN KEY (key_store) REFERENCES public.key_store(id);


--
-- Name: kms_key kms_key_material_set_current_version_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kms_key
    ADD CONSTRAINT kms_key_material_set_current_version_fkey FOREIGN KEY (material_set, current_version) REFERENCES public.key_version(material_set, id);


--
-- Name: kms_key kms_key_material_set_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kms_key
    ADD CONSTRAINT kms_key_material_set_fkey FOREIGN KEY (material_set) REFERENCES public.material_set(id);


--
-- Name: principal principal_account_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.principal
    ADD CONSTRAINT principal_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);


--
-- PostgreSQL database dump complete
--

\unrestrict IDSQzOAV4EQaR2KUCCu1KKwGRHpU0e78cimnarzvd9lkQpak7vdtXPoFF7ipzNr

