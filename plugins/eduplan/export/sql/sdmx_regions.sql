select region_code, region_name, region_level from bi.region order by sort_order, region_code collate "C"
