-- Alerts: conditions that somebody must know of, told when their state changes and not again.

create table quality.alert (
    alert_id bigint generated always as identity primary key,
    dedupe_key text not null,
    kind text not null,
    severity text not null check (severity in ('critical', 'warning', 'info')),
    status text not null default 'open' check (status in ('open', 'acknowledged', 'snoozed', 'recovered', 'resolved')),
    title text not null,
    detail text not null default '',
    what_to_do text not null default '',
    runbook text not null,
    owner text not null default '',
    dataset text,
    period text,
    region_code text,
    indicator_codes text[] not null default '{}',
    magnitude numeric not null default 1,
    opened_at timestamptz not null,
    last_seen_at timestamptz not null,
    worsened_at timestamptz,
    acknowledged_by text,
    snoozed_until timestamptz,
    closed_at timestamptz,
    closed_by text,
    gone_at timestamptz
);
comment on table quality.alert is 'One row per condition and time it was open; at most one of a dedupe_key is open, acknowledged or snoozed';
comment on column quality.alert.status is 'open; acknowledged: somebody is on it, told again only if it worsens; snoozed: told again after snoozed_until; recovered: gone by itself; resolved: closed by a person';
comment on column quality.alert.magnitude is 'How bad, in the unit of its kind (rows, days, batches); an alert worsens when it grows past the steps of its kind';
comment on column quality.alert.runbook is 'Page of the documentation, relative to its root: docs/runbook/<kind>.md';
comment on column quality.alert.last_seen_at is 'When the condition was last found to hold';
comment on column quality.alert.gone_at is 'When the condition was first not found any more; a resolved alert opens again only after that, or when it worsens';
create unique index alert_alive on quality.alert (dedupe_key) where status in ('open', 'acknowledged', 'snoozed');
create index alert_kind on quality.alert (kind, status);
create index alert_key on quality.alert (dedupe_key, alert_id desc);

create table quality.alert_event (
    event_id bigint generated always as identity primary key,
    alert_id bigint not null references quality.alert,
    event text not null check (event in ('opened', 'worsened', 'acknowledged', 'snoozed', 'woken', 'recovered', 'resolved')),
    severity text not null check (severity in ('critical', 'warning', 'info')),
    magnitude numeric not null,
    actor text not null default 'eduplan',
    note text not null default '',
    happened_at timestamptz not null
);
comment on table quality.alert_event is 'Append-only: every change of an alert; woken: its snooze ended and the condition still holds';
create index alert_event_alert on quality.alert_event (alert_id);
create trigger append_only before update or delete on quality.alert_event
    for each row execute function ops.refuse_change();
create trigger append_only_all before truncate on quality.alert_event
    for each statement execute function ops.refuse_change();

create table quality.alert_delivery (
    delivery_id bigint generated always as identity primary key,
    event_id bigint not null references quality.alert_event,
    route text not null,
    channel text not null,
    digest_of date,
    status text not null default 'pending' check (status in ('pending', 'sent', 'failed', 'unrouted')),
    due_at timestamptz not null,
    attempts integer not null default 0,
    error text,
    sent_at timestamptz,
    unique (event_id, route, channel)
);
create index alert_delivery_pending on quality.alert_delivery (channel, due_at) where status = 'pending';
comment on table quality.alert_delivery is 'One row per event and channel: when it is due, whether it was sent; never the address';
comment on column quality.alert_delivery.status is 'pending; sent; failed: its channel left alerts.yaml, and the other routes were asked; unrouted: no route wanted the event';
comment on column quality.alert_delivery.channel is 'Name of the channel in alerts.yaml; its URL is a secret and stays out of the database';

create table quality.alert_channel (
    channel text primary key,
    failures integer not null default 0,
    failing_since timestamptz,
    retry_at timestamptz,
    error text,
    last_sent_at timestamptz
);
comment on table quality.alert_channel is 'How each channel fares: failures in a row, when it is tried again, when it last worked';

create table quality.alert_signal (
    dedupe_key text primary key,
    kind text not null,
    severity text not null check (severity in ('critical', 'warning', 'info')),
    title text not null,
    detail text not null default '',
    owner text not null default '',
    dataset text,
    magnitude numeric not null default 1,
    raised_at timestamptz not null default clock_timestamp()
);
comment on table quality.alert_signal is 'Conditions that no table tells (a failed or late DAG run, a dead channel): raised by whoever sees them, deleted when over';
