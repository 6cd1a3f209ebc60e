-- `settle` fails on purpose for deliveries that are refused or held: they are alerts of their own
-- kinds. Where a batch stopped half way it fails because another task did. The tasks `failed` and
-- `unsettled` of a run say only that another one did.
insert into quality.alert_signal
    (dedupe_key, kind, severity, title, detail, owner, dataset, magnitude, raised_at)
select
    %(key)s,
    'dag_failed',
    'critical',
    %(dag)s || ' 运行失败' || case when %(task)s in ('', 'failed', 'unsettled') then '' else '（任务 ' || %(task)s || '）' end,
    'run ' || %(run)s,
    %(owner)s,
    %(dataset)s,
    1,
    %(now)s
where %(task)s not in ('settle', 'unsettled')
    or exists (
        select from ops.batch where dataset = %(dataset)s and status in ('landed', 'audited')
    )
on conflict (dedupe_key) do update
set title = excluded.title, detail = excluded.detail, magnitude = alert_signal.magnitude + 1
